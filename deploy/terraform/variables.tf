variable "name" {
  description = "The name of the function, its role, rule and queues."
  type        = string
  default     = "trailbell"
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
  description = "The buckets whose object-level events are watched; a rule's pattern has room for some six, see docs/operations.md."
  type        = list(string)
  validation {
    condition     = length(var.bucket_names) > 0
    error_message = "Name at least one bucket."
  }
}

variable "event_names" {
  description = "The event names that the rule lets through: those of policies/events.yaml."
  type        = list(string)
  default = [
    "GetObject", "GetObjectTorrent", "SelectObjectContent", "ListObjects", "ListObjectVersions", "CopyObject",
    "UploadPartCopy", "RenameObject", "PutObject", "PostObject", "CompleteMultipartUpload", "DeleteObject",
    "DeleteObjects", "PutObjectAcl", "PutObjectTagging", "DeleteObjectTagging", "PutObjectLegalHold",
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
}

variable "timeout" {
  description = "Seconds that one invocation may take; the queue hides a message six times as long."
  type        = number
  default     = 60
}

variable "batch_size" {
  description = "At most so many messages come to one invocation."
  type        = number
  default     = 50
}

variable "batch_window" {
  description = "Seconds to wait for a batch to fill."
  type        = number
  default     = 10
}

variable "maximum_concurrency" {
  description = "Invocations at the same time; AWS allows no less than 2."
  type        = number
  default     = 2
}

variable "max_receive_count" {
  description = "How often a message may come again before it is a dead letter."
  type        = number
  default     = 12
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
  description = "The secret that holds the key of the hash operator; its ARN must be among secret_arns."
  type        = string
  default     = ""
}

variable "delivery_table" {
  description = "Remember in a DynamoDB table what was delivered to which channel, so that an event that comes again does not ring again."
  type        = bool
  default     = true
}

variable "muted_channel" {
  description = "The channel that hears once a day what was muted and silenced; empty for none. It needs delivery_table."
  type        = string
  default     = ""
}

variable "changes_url" {
  description = "Where a new policy file is proposed, such as https://github.com/OWNER/REPOSITORY/new/main/policies; empty for no such button."
  type        = string
  default     = ""
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
  description = "The KMS key (ECC_NIST_P256, SIGN_VERIFY) with which sets are signed. A set that it did not sign is never used."
  type        = string
  default     = ""
}

variable "policies_seconds" {
  description = "Seconds between two looks for a newer set."
  type        = number
  default     = 60
}

variable "retention_days" {
  description = "Days that audit records are kept."
  type        = number
  default     = 365
}

variable "kms_key_arn" {
  description = "A customer managed key for queues, log group, table, environment and trail; empty for AWS's own."
  type        = string
  default     = ""
}

variable "alarm_topic_arn" {
  description = "An SNS topic for the alarms; empty, and they only show in CloudWatch."
  type        = string
  default     = ""
}

variable "quiet_hours" {
  description = "An alarm rings after so many hours without any event."
  type        = number
  default     = 24
}
