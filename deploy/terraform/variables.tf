variable "name" {
  description = "The name of the function, its role, rule and queues: 1 to 64 letters, digits, _ and -."
  type        = string
  default     = "trailbell"
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "A name has 1 to 64 letters, digits, _ and -."
  }
}

variable "package" {
  description = "Path of the zip that `trailbell build` made."
  type        = string
}

variable "architecture" {
  description = "Must be the one that the zip was built for."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "bucket_names" {
  description = "The buckets whose object-level events are watched; a rule's pattern has room for some five. For more, or for buckets of other accounts and regions, give organization_id instead."
  type        = list(string)
  default     = []
}

variable "log_files_bucket" {
  description = "The bucket to which a trail writes its log files. Given, events are read from these, some minutes after they happened, and the rule of EventBridge is off: for more events than EventBridge takes, or where a trail is all that there is. batch_size, timeout and visibility_timeout are then 5, 300 and 1,800, which fit files of any size. docs/operations.md has the steps."
  type        = string
  default     = ""
}

variable "log_files_topic_arn" {
  description = "An SNS topic to which that bucket, or its trail, announces new log files; the queue subscribes to it. Empty: the bucket, which is one of this account, announces them to the queue itself."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$", var.log_files_topic_arn))
    error_message = "The ARN of an SNS topic."
  }
}

variable "organization_id" {
  description = "Take events from all accounts and regions of this AWS Organization, over an event bus of Trailbell's own. The rules that send them there are made by `trailbell rules`; docs/organization.md has the steps."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(o-[a-z0-9]{10,32})?$", var.organization_id))
    error_message = "The id of an organization begins with o-."
  }
}

variable "event_names" {
  description = "The event names that the rule lets through: those that trailbell/base selects."
  type        = list(string)
  default = [
    "GetObject", "GetObjectTorrent", "SelectObjectContent", "ListObjects", "ListObjectVersions", "CopyObject",
    "UploadPartCopy", "RenameObject", "PutObject", "PostObject", "CompleteMultipartUpload", "DeleteObject",
    "DeleteObjects", "PutObjectAcl", "UpdateObjectEncryption", "PutObjectTagging", "DeleteObjectTagging", "PutObjectLegalHold",
    "PutObjectLockLegalHold", "PutObjectRetention", "PutObjectLockRetention", "RestoreObject",
  ]
}

variable "invocation" {
  description = "queue: EventBridge -> SQS -> Lambda. direct: EventBridge -> Lambda, with the dead-letter queue as failure destination."
  type        = string
  default     = "queue"
  validation {
    condition     = contains(["queue", "direct"], var.invocation)
    error_message = "The invocation is queue or direct."
  }
}

variable "memory_size" {
  description = "Memory of the function in MB."
  type        = number
  default     = 512
  validation {
    condition     = var.memory_size >= 256 && var.memory_size <= 3008
    error_message = "From 256 to 3008."
  }
}

variable "timeout" {
  description = "Seconds that one invocation may take."
  type        = number
  default     = 60
  validation {
    condition     = var.timeout >= 20 && var.timeout <= 300
    error_message = "From 20 to 300."
  }
}

variable "visibility_timeout" {
  description = "Seconds that the queue hides a message after handing it out. AWS advises six times timeout, plus batch_window."
  type        = number
  default     = 370
  validation {
    condition     = var.visibility_timeout >= 200 && var.visibility_timeout <= 43200
    error_message = "From 200 to 43200."
  }
}

variable "batch_size" {
  description = "At most so many messages come to one invocation."
  type        = number
  default     = 50
  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 1000
    error_message = "From 1 to 1000."
  }
}

variable "batch_window" {
  description = "Seconds to wait for a batch to fill."
  type        = number
  default     = 10
  validation {
    condition     = var.batch_window >= 1 && var.batch_window <= 300
    error_message = "From 1 to 300."
  }
}

variable "maximum_concurrency" {
  description = "Invocations at the same time; AWS allows no less than 2. All share Slack's rate by delivery_table: more post no faster."
  type        = number
  default     = 2
  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 50
    error_message = "From 2 to 50."
  }
}

variable "max_receive_count" {
  description = "How often a message may be handed out before it is a dead letter: for an outage of delivery_table, not for Slack's."
  type        = number
  default     = 12
  validation {
    condition     = var.max_receive_count >= 10 && var.max_receive_count <= 100
    error_message = "From 10 to 100."
  }
}

variable "slack_webhook_url" {
  description = "Becomes SLACK_WEBHOOK_URL; it then stands in Terraform's state. Better keep webhooks in Secrets Manager."
  type        = string
  default     = ""
  sensitive   = true
}

variable "secret_arns" {
  description = "Full ARNs of the secrets (trailbell/...) that channels name."
  type        = list(string)
  default     = []
}

variable "topic_arns" {
  description = "ARNs of the SNS topics that channels name, to which the function may publish. Where one is encrypted, with kms_key_arn."
  type        = list(string)
  default     = []
}

variable "parameter_arns" {
  description = "Full ARNs of the parameters (/trailbell/...) that channels name."
  type        = list(string)
  default     = []
}

variable "decrypt_key_arns" {
  description = "ARNs of the customer managed keys with which secrets, parameters or published policy sets are encrypted."
  type        = list(string)
  default     = []
}

variable "create_trail" {
  description = "Make a trail that records the data events of these buckets, where none does yet."
  type        = bool
  default     = false
}

variable "hash_key_secret_name" {
  description = "The secret that holds the key of the hash operator, as trailbell/...; its ARN must be among secret_arns."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(trailbell/[A-Za-z0-9/_+=.@-]+)?$", var.hash_key_secret_name))
    error_message = "It is not of the form that the description names."
  }
}

variable "delivery_table" {
  description = "A DynamoDB table of what each channel is to hear, of open incidents and of each webhook's rate. Without it an incident is one batch, and a function that starts anew takes any older published set."
  type        = bool
  default     = true
}

variable "muted_channel" {
  description = "The channel (a-z, 0-9, -) that hears once a day what was muted and silenced; empty for none. It needs delivery_table."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[a-z0-9-]*$", var.muted_channel))
    error_message = "It is not of the form that the description names."
  }
}

variable "changes_url" {
  description = "Where a new policy file is proposed, such as https://github.com/OWNER/REPOSITORY/new/main/policies; empty for no such button."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(https://[A-Za-z0-9./_-]+)?$", var.changes_url))
    error_message = "It is not of the form that the description names."
  }
}

variable "policies_bucket" {
  description = "The bucket to which trailbell publish stores policy sets; it has to keep versions. Empty: the policies are those in the zip."
  type        = string
  default     = ""
}

variable "policies_key" {
  description = "The key of the published set in that bucket; beside it, with .state at its end, stands which version is good."
  type        = string
  default     = "trailbell/policies.json"
}

variable "policies_version" {
  description = "A version of that object, to stay at it; empty to follow the newest."
  type        = string
  default     = ""
}

variable "policies_signing_key_arn" {
  description = "The ARN of the KMS key (ECC_NIST_P256, SIGN_VERIFY) with which sets are signed. A set that it did not sign is never used."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+)?$", var.policies_signing_key_arn))
    error_message = "It is not of the form that the description names."
  }
}

variable "policies_seconds" {
  description = "Seconds between two looks for a newer set."
  type        = number
  default     = 60
  validation {
    condition     = var.policies_seconds >= 10 && var.policies_seconds <= 3600
    error_message = "From 10 to 3600."
  }
}

variable "retention_days" {
  description = "Days that audit records are kept."
  type        = number
  default     = 365
  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days)
    error_message = "CloudWatch Logs has these: 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "kms_key_arn" {
  description = "A customer managed key for queues, log group, table, environment and trail; empty for AWS's own."
  type        = string
  default     = ""
}

variable "archive_days" {
  description = "Days for which audit records are also kept in a bucket where nobody can change or delete them (S3 Object Lock); 0, and there is no such bucket. They arrive there within a quarter of an hour."
  type        = number
  default     = 0
  validation {
    condition     = var.archive_days >= 0 && var.archive_days <= 36500
    error_message = "From 0 to 36500 days."
  }
}

variable "archive_mode" {
  description = "GOVERNANCE: who has s3:BypassGovernanceRetention may delete records before. COMPLIANCE: nobody may, not even the account's root user."
  type        = string
  default     = "GOVERNANCE"
  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.archive_mode)
    error_message = "The mode is GOVERNANCE or COMPLIANCE."
  }
}

variable "alarm_topic_arn" {
  description = "An SNS topic for the alarms that page, since they do not mend themselves; empty, and they only show in CloudWatch."
  type        = string
  default     = ""
}

variable "morning_topic_arn" {
  description = "An SNS topic for the alarms that can wait until the morning; empty, and they only show in CloudWatch."
  type        = string
  default     = ""
}

variable "latency_seconds" {
  description = "An alarm rings where one alert in twenty takes longer from event to message. CloudTrail itself takes some five minutes."
  type        = number
  default     = 900
  validation {
    condition     = var.latency_seconds >= 60 && var.latency_seconds <= 86400
    error_message = "From 60 to 86400."
  }
}

variable "expected_buckets" {
  description = "Buckets in which something happens within any quiet_hours; an alarm rings where one falls silent. It needs delivery_table."
  type        = list(string)
  default     = []
}

variable "probe_bucket" {
  description = "One of the watched buckets. An object in it is read each five minutes, and an alarm rings where the event of that does not come. Empty: no probe."
  type        = string
  default     = ""
}

variable "probe_key" {
  description = "The key of the object that the probe reads."
  type        = string
  default     = "trailbell/probe"
  validation {
    condition     = can(regex("^[A-Za-z0-9!_.*'()/-]+$", var.probe_key))
    error_message = "It is not of the form that the description names."
  }
}

variable "probe_minutes" {
  description = "An alarm rings where for so many minutes no read of the probe's has arrived within so many minutes. CloudTrail itself takes some five."
  type        = number
  default     = 30
  validation {
    condition     = var.probe_minutes >= 15 && var.probe_minutes <= 1440
    error_message = "From 15 to 1440."
  }
}

variable "quiet_hours" {
  description = "An alarm rings after so many hours without any event."
  type        = number
  default     = 24
  validation {
    condition     = var.quiet_hours >= 1 && var.quiet_hours <= 24
    error_message = "From 1 to 24."
  }
}
