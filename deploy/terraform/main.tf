# The same parts as deploy/template.yaml: the way of an event and its alarms here, in looking.tf the dashboard and the saved queries,
# in trail.tf a trail where there is none.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  queued    = var.invocation == "queue"
  organized = var.organization_id != ""
  log_files = var.log_files_bucket != ""
  kms_key   = var.kms_key_arn == "" ? null : var.kms_key_arn
  actions   = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
  morning   = var.morning_topic_arn == "" ? [] : [var.morning_topic_arn]
  expects   = var.delivery_table && length(var.expected_buckets) > 0
  probes    = var.probe_bucket != ""

  environment = merge(
    { TRAILBELL_ROLE = aws_iam_role.this.arn, TRAILBELL_WORKERS = tostring(var.maximum_concurrency) },
    var.slack_webhook_url == "" ? {} : { SLACK_WEBHOOK_URL = var.slack_webhook_url },
    var.delivery_table ? { TRAILBELL_DELIVERY_TABLE = aws_dynamodb_table.deliveries[0].name } : {},
    local.probes ? { TRAILBELL_PROBE = "s3://${var.probe_bucket}/${var.probe_key}" } : {},
    local.probes ? { TRAILBELL_PROBE_ROLE = aws_iam_role.probe[0].arn } : {},
    local.expects ? { TRAILBELL_EXPECTED_BUCKETS = join(",", var.expected_buckets) } : {},
    var.changes_url == "" ? {} : { TRAILBELL_CHANGES_URL = var.changes_url },
    local.tells_muted ? { TRAILBELL_MUTED_CHANNEL = var.muted_channel } : {},
    var.hash_key_secret_name == "" ? {} : { TRAILBELL_HASH_KEY_SECRET = var.hash_key_secret_name },
    local.follows_policies ? {
      TRAILBELL_POLICIES         = "s3://${var.policies_bucket}/${var.policies_key}${var.policies_version == "" ? "" : "#"}${var.policies_version}"
      TRAILBELL_POLICIES_KEY     = var.policies_signing_key_arn
      TRAILBELL_POLICIES_SECONDS = tostring(var.policies_seconds)
    } : {},
  )

  follows_policies = var.policies_bucket != ""
  policies_arn     = "arn:${data.aws_partition.this.partition}:s3:::${var.policies_bucket}/${var.policies_key}"

  log_files_arn = "arn:${data.aws_partition.this.partition}:s3:::${var.log_files_bucket}"

  tells_muted = var.delivery_table && var.muted_channel != ""

  statements = concat(
    [{ sid = "Logs", actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${aws_cloudwatch_log_group.this.arn}:*"] }],
    local.queued ? [{
      sid       = "Queue"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      resources = [aws_sqs_queue.events[0].arn]
    }] : [{ sid = "DeadLetters", actions = ["sqs:SendMessage"], resources = [aws_sqs_queue.dead_letters.arn] }],
    length(var.secret_arns) == 0 ? [] : [{ sid = "Secrets", actions = ["secretsmanager:GetSecretValue"], resources = var.secret_arns }],
    length(var.topic_arns) == 0 ? [] : [{ sid = "Topics", actions = ["sns:Publish"], resources = var.topic_arns }],
    length(var.parameter_arns) == 0 ? [] : [{ sid = "Parameters", actions = ["ssm:GetParameter"], resources = var.parameter_arns }],
    local.log_files ? [{ sid = "LogFiles", actions = ["s3:GetObject"], resources = ["${local.log_files_arn}/*"] }] : [],
    var.delivery_table ? [
      {
        sid       = "Deliveries"
        actions   = ["dynamodb:PutItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem", "dynamodb:GetItem", "dynamodb:BatchGetItem"]
        resources = [aws_dynamodb_table.deliveries[0].arn]
      },
      { sid = "Owed", actions = ["dynamodb:Query"], resources = ["${aws_dynamodb_table.deliveries[0].arn}/index/owed"] },
    ] : [],
    local.follows_policies ? [
      {
        sid       = "ReadPolicies"
        actions   = ["s3:GetObject", "s3:GetObjectVersion"]
        resources = [local.policies_arn, "${local.policies_arn}.shadow", "${local.policies_arn}.state"]
      },
      { sid = "KeepWhichIsGood", actions = ["s3:PutObject"], resources = ["${local.policies_arn}.state"] },
      { sid = "VerifyPolicies", actions = ["kms:Verify"], resources = [var.policies_signing_key_arn] },
    ] : [],
    local.probes ? [{ sid = "Probe", actions = ["sts:AssumeRole"], resources = [aws_iam_role.probe[0].arn] }] : [],
    length(var.decrypt_key_arns) == 0 ? [] : [{ sid = "Decrypt", actions = ["kms:Decrypt"], resources = var.decrypt_key_arns }],
    local.kms_key == null ? [] : [{ sid = "Key", actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [local.kms_key] }],
  )
}

# --- the way of an event ---------------------------------------------------------------------------------------------------

resource "aws_cloudwatch_event_rule" "this" {
  name           = var.name
  description    = "S3 data events of the watched buckets, without Trailbell's own reads."
  event_bus_name = local.organized ? aws_cloudwatch_event_bus.this[0].name : null
  state          = local.log_files ? "DISABLED" : "ENABLED"
  # On the bus of an organization, the rules that send to it have chosen.
  event_pattern = local.organized ? jsonencode({
    source      = ["aws.s3", "aws.s3express", "aws.s3-outposts", "aws.s3-object-lambda", "aws.s3-banner", "aws.s3tables"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      userIdentity = {
        sessionContext = { sessionIssuer = { arn = [{ anything-but = aws_iam_role.this.arn }, { exists = false }] } }
      }
    }
    }) : jsonencode({
    source      = ["aws.s3", "aws.s3express", "aws.s3-outposts", "aws.s3-object-lambda", "aws.s3-banner", "aws.s3tables"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventName = var.event_names
      userIdentity = {
        sessionContext = { sessionIssuer = { arn = [{ anything-but = aws_iam_role.this.arn }, { exists = false }] } }
      }
      # The ARNs of directory, Outposts and table buckets, and of Object Lambda's access points, end in a slash and the name. A copy
      # names what it is copied from in x-amz-copy-source alone, with or without a slash before it. Its sender may encode any character
      # of that, or name an access point: such copies are all let through, for Trailbell to read. An access point names its bucket in
      # the resources alone, and some records name an object there and not its bucket.
      "$or" = [
        { requestParameters = { bucketName = var.bucket_names } },
        { resources = { ARN = concat(
          [for name in var.bucket_names : "arn:${data.aws_partition.this.partition}:s3:::${name}"],
          [for name in var.bucket_names : { prefix = "arn:${data.aws_partition.this.partition}:s3:::${name}/" }],
          [for name in var.bucket_names : { suffix = "/${name}" }],
        ) } },
        { requestParameters = { x-amz-copy-source = concat(
          [for name in var.bucket_names : { prefix = "${name}/" }],
          [for name in var.bucket_names : { prefix = "/${name}/" }],
          [{ wildcard = "*%*" }, { wildcard = "*arn:*" }],
        ) } },
      ]
    }
  })
  lifecycle {
    precondition {
      condition     = length(var.bucket_names) > 0 || ((local.organized || local.log_files) && !var.create_trail)
      error_message = "bucket_names needs a bucket, unless organization_id or log_files_bucket is given and no trail is made."
    }
    precondition {
      condition     = !local.log_files || (local.queued && var.delivery_table && !local.organized)
      error_message = "log_files_bucket needs invocation = \"queue\" and delivery_table = true, and no organization_id."
    }
    precondition {
      condition     = var.log_files_topic_arn == "" || local.log_files
      error_message = "log_files_topic_arn needs log_files_bucket."
    }
  }
}

# No principal can forge what comes over it: PutEvents refuses a source aws.*, so that such events come from AWS or over a rule.
# Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EventBridgePutEventsV2Parameters.html
resource "aws_cloudwatch_event_bus" "this" {
  count = local.organized ? 1 : 0
  name  = var.name
}

data "aws_iam_policy_document" "organization_sends" {
  count = local.organized ? 1 : 0
  statement {
    sid       = "OrganizationSends"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.this[0].arn]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalOrgID"
      values   = [var.organization_id]
    }
  }
}

resource "aws_cloudwatch_event_bus_policy" "this" {
  count          = local.organized ? 1 : 0
  event_bus_name = aws_cloudwatch_event_bus.this[0].name
  policy         = data.aws_iam_policy_document.organization_sends[0].json
}

resource "aws_cloudwatch_event_target" "this" {
  rule           = aws_cloudwatch_event_rule.this.name
  event_bus_name = aws_cloudwatch_event_rule.this.event_bus_name
  arn            = local.queued ? aws_sqs_queue.events[0].arn : aws_lambda_alias.live.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_sqs_queue" "events" {
  count                      = local.queued ? 1 : 0
  name                       = var.name
  visibility_timeout_seconds = local.log_files ? 1800 : var.visibility_timeout
  message_retention_seconds  = 1209600
  sqs_managed_sse_enabled    = local.kms_key == null ? true : null
  kms_master_key_id          = local.kms_key
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = local.kms_key == null ? true : null
  kms_master_key_id         = local.kms_key

  # Events that were lost otherwise. To destroy the rest, first: terraform state rm of this queue and of its policy.
  lifecycle {
    prevent_destroy = true
  }
}

data "aws_iam_policy_document" "rule_sends" {
  for_each = merge({ dead_letters = aws_sqs_queue.dead_letters.arn }, local.queued ? { events = aws_sqs_queue.events[0].arn } : {})
  statement {
    sid       = "RuleSends"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.this.arn]
    }
  }
  # A bucket's name can go to another account, so its account is asked for, too; a topic's ARN names its account.
  dynamic "statement" {
    for_each = each.key == "events" && local.log_files ? [var.log_files_topic_arn] : []
    content {
      sid       = statement.value == "" ? "BucketSends" : "TopicSends"
      actions   = ["sqs:SendMessage"]
      resources = [each.value]
      principals {
        type        = "Service"
        identifiers = [statement.value == "" ? "s3.amazonaws.com" : "sns.amazonaws.com"]
      }
      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value == "" ? local.log_files_arn : statement.value]
      }
      dynamic "condition" {
        for_each = statement.value == "" ? [data.aws_caller_identity.this.account_id] : []
        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [condition.value]
        }
      }
    }
  }
}

resource "aws_sns_topic_subscription" "log_files" {
  count      = var.log_files_topic_arn == "" ? 0 : 1
  topic_arn  = var.log_files_topic_arn
  protocol   = "sqs"
  endpoint   = aws_sqs_queue.events[0].arn
  depends_on = [aws_sqs_queue_policy.events]
}

resource "aws_sqs_queue_policy" "events" {
  count     = local.queued ? 1 : 0
  queue_url = aws_sqs_queue.events[0].id
  policy    = data.aws_iam_policy_document.rule_sends["events"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.rule_sends["dead_letters"].json
}

resource "aws_lambda_function" "this" {
  function_name    = var.name
  description      = "Decides about S3 data events and posts to Slack."
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "lambda_entry.handler"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = var.memory_size
  timeout          = local.log_files ? 300 : var.timeout
  role             = aws_iam_role.this.arn
  kms_key_arn      = local.kms_key
  logging_config {
    log_group  = aws_cloudwatch_log_group.this.name
    log_format = "Text"
  }
  environment {
    variables = local.environment
  }
  lifecycle {
    # The package is the first code. Later code is put there by the workflow, or by hand (docs/operations.md), and must not go back here.
    ignore_changes = [filename, source_code_hash]
    precondition {
      condition     = (var.policies_bucket == "") == (var.policies_signing_key_arn == "")
      error_message = "policies_bucket and policies_signing_key_arn need each other: a set that is not signed is never used."
    }
  }
}

# What events go to. Whoever deploys code moves it to a version, and nothing here moves it back.
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = "$LATEST"
  lifecycle {
    ignore_changes = [function_version, description]
  }
}

resource "aws_lambda_event_source_mapping" "queue" {
  count                              = local.queued ? 1 : 0
  event_source_arn                   = aws_sqs_queue.events[0].arn
  function_name                      = aws_lambda_alias.live.arn
  batch_size                         = local.log_files ? 5 : var.batch_size
  maximum_batching_window_in_seconds = var.batch_window
  function_response_types            = ["ReportBatchItemFailures"]
  depends_on                         = [aws_iam_role_policy.may] # AWS refuses a mapping that the role may not use yet
  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

resource "aws_lambda_permission" "rule" {
  count         = local.queued ? 0 : 1
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this.arn
}

resource "aws_cloudwatch_event_rule" "every_day" {
  count               = local.tells_muted ? 1 : 0
  name                = "${var.name}-muted"
  description         = "Tells once a day what was muted."
  schedule_expression = "cron(15 0 * * ? *)"
}

resource "aws_cloudwatch_event_target" "every_day" {
  count = local.tells_muted ? 1 : 0
  rule  = aws_cloudwatch_event_rule.every_day[0].name
  arn   = aws_lambda_alias.live.arn
  input = jsonencode({ trailbell = "muted" })
}

resource "aws_lambda_permission" "every_day" {
  count         = local.tells_muted ? 1 : 0
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.every_day[0].arn
}

# What is owed is sent by every invocation, and by this one where no event comes. One that fails is not repeated: the next comes soon.
resource "aws_cloudwatch_event_rule" "every_minute" {
  count               = var.delivery_table ? 1 : 0
  name                = "${var.name}-drain"
  description         = "Sends what channels are still to hear."
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "every_minute" {
  count = var.delivery_table ? 1 : 0
  rule  = aws_cloudwatch_event_rule.every_minute[0].name
  arn   = aws_lambda_alias.live.arn
  input = jsonencode({ trailbell = "drain" })
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "every_minute" {
  count         = var.delivery_table ? 1 : 0
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.every_minute[0].arn
}

resource "aws_lambda_function_event_invoke_config" "direct" {
  count                  = local.queued ? 0 : 1
  function_name          = aws_lambda_function.this.function_name
  qualifier              = aws_lambda_alias.live.name
  maximum_retry_attempts = 2
  depends_on             = [aws_iam_role_policy.may] # as above
  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

# The only copy of what is owed, once its message has left the queue.
resource "aws_dynamodb_table" "deliveries" {
  count                       = var.delivery_table ? 1 : 0
  name                        = "${var.name}-deliveries"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "id"
  attribute {
    name = "id"
    type = "S"
  }
  attribute {
    name = "owed"
    type = "S"
  }
  attribute {
    name = "due"
    type = "N"
  }
  # Only what is owed has these attributes, so the index is nearly empty.
  global_secondary_index {
    name            = "owed"
    hash_key        = "owed"
    range_key       = "due"
    projection_type = "KEYS_ONLY"
  }
  point_in_time_recovery {
    enabled = true
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = local.kms_key
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/trailbell/${var.name}"
  retention_in_days = var.retention_days
  kms_key_id        = local.kms_key
  skip_destroy      = true
}

# --- what the function may do ------------------------------------------------------------------------------------------------

resource "aws_iam_role" "this" {
  name = var.name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

data "aws_iam_policy_document" "may" {
  dynamic "statement" {
    for_each = local.statements
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

resource "aws_iam_role_policy" "may" {
  name   = "trailbell"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.may.json
}

# --- alarms --------------------------------------------------------------------------------------------------------------------

# Alarms whose text begins with `page` go to alarm_topic_arn, the others to morning_topic_arn.
locals {
  alarms = merge(
    {
      dead-letters = {
        text       = "page: Messages that could not be handled lie in the dead-letter queue. Look at why, then redrive them. docs/at-3-am.md#dead-letters"
        namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 0
        dimensions = { QueueName = aws_sqs_queue.dead_letters.name }
        period     = 60
      }
      errors = {
        text       = "page: The function has raised for a quarter of an hour; a policy set that does not load is one cause. See the log. docs/at-3-am.md#errors"
        namespace  = "AWS/Lambda", metric = "Errors", statistic = "Sum", threshold = 0
        dimensions = { FunctionName = aws_lambda_function.this.function_name }
        periods    = 3
      }
      throttles = {
        text       = "morning: For a quarter of an hour the account has had no concurrency left for the function. docs/at-3-am.md#throttles"
        namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", threshold = 0
        dimensions = { FunctionName = aws_lambda_function.this.function_name }
        periods    = 3
      }
      rule-fails = {
        text      = "page: EventBridge gave events up that neither the queue (or the function) nor the dead-letter queue took. They are lost. docs/at-3-am.md#rule-fails-undeliverable"
        namespace = "AWS/Events", metric = "InvocationsFailedToBeSentToDlq", statistic = "Sum", threshold = 0
        dimensions = merge(
          { RuleName = aws_cloudwatch_event_rule.this.name },
          local.organized ? { EventBusName = aws_cloudwatch_event_bus.this[0].name } : {},
        )
      }
      failed = {
        text       = "morning: For a quarter of an hour records could not be decided or booked. They come again; the records say why. docs/at-3-am.md#failed"
        namespace  = "Trailbell", metric = "Failed", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
        periods    = 3
      }
      unreadable = {
        text       = "morning: Records could not be read. The audit records say where and why. docs/at-3-am.md#unreadable"
        namespace  = "Trailbell", metric = "Unreadable", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
      failedmatchers = {
        text       = "morning: A matcher fails on real events. The decision records name it. docs/at-3-am.md#failed-matchers"
        namespace  = "Trailbell", metric = "FailedMatchers", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
      doesnotaddup = {
        text       = "morning: What came in does not equal the sum of how it ended. docs/at-3-am.md#does-not-add-up"
        namespace  = "Trailbell", metric = "DoesNotAddUp", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
      givenup = {
        text       = "page: Events could not be sent for days, or were refused, and were given up. The delivery records name them. docs/at-3-am.md#given-up"
        namespace  = "Trailbell", metric = "GivenUp", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
      channel-out = {
        text       = "page: A channel could not be sent an alert for more than a quarter of an hour. doctor names it. docs/at-3-am.md#a-channel-is-out"
        namespace  = "Trailbell", metric = "OldestOwedSeconds", statistic = "Maximum", threshold = 900
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
      latency = {
        text       = "page: One in twenty alerts takes longer from event to message than LatencySeconds. docs/at-3-am.md#latency"
        namespace  = "Trailbell", metric = "SecondsFromEvent", percentile = "p95", threshold = var.latency_seconds
        dimensions = { Function = aws_lambda_function.this.function_name }
        period     = 900
        periods    = 2
      }
      quiet = {
        text       = "page: No event has come for hours. The trail, the rule or the queue may be broken. docs/at-3-am.md#no-event-comes"
        namespace  = "Trailbell", metric = "FromCloudTrail", statistic = "Sum", threshold = 1
        dimensions = { Function = aws_lambda_function.this.function_name }
        period     = 3600
        periods    = var.quiet_hours
        comparison = "LessThanThreshold"
        missing    = "breaching"
      }
    },
    local.queued ? {
      oldest-message = {
        text       = "page: Events wait for more than a quarter of an hour. docs/at-3-am.md#oldest-message"
        namespace  = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", threshold = 900
        dimensions = { QueueName = aws_sqs_queue.events[0].name }
      }
    } : {},
    local.queued ? {} : {
      undeliverable = {
        text       = "page: Lambda could not hand failed events to the dead-letter queue. They are lost. docs/at-3-am.md#rule-fails-undeliverable"
        namespace  = "AWS/Lambda", metric = "DestinationDeliveryFailures", statistic = "Sum", threshold = 0
        dimensions = { FunctionName = aws_lambda_function.this.function_name }
      }
    },
    local.follows_policies ? {
      policysetrefused = {
        text       = "morning: A published policy set could not be read or was refused. The default channel was told why; the last good set is in force. docs/at-3-am.md#policy-set-refused"
        namespace  = "Trailbell", metric = "PolicySetRefused", statistic = "Sum", threshold = 0
        dimensions = { Function = aws_lambda_function.this.function_name }
      }
    } : {},
    local.probes ? {
      probe = {
        text       = "page: For ProbeMinutes no read of the probe's has arrived in time. Real events are late or lost, too. docs/at-3-am.md#the-probe-does-not-arrive"
        namespace  = "Trailbell", metric = "ProbeMinutes", statistic = "Minimum", threshold = var.probe_minutes
        dimensions = { Function = aws_lambda_function.this.function_name }
        period     = 60
        periods    = var.probe_minutes
        missing    = "breaching"
      }
    } : {},
    local.expects ? {
      silent-bucket = {
        text       = "page: One of ExpectedBuckets has had no event for QuietHours. doctor names it. docs/at-3-am.md#a-bucket-fell-silent"
        namespace  = "Trailbell", metric = "HoursSinceEvent", statistic = "Maximum", threshold = var.quiet_hours
        dimensions = { Function = aws_lambda_function.this.function_name }
        periods    = 3
      }
    } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = try(each.value.statistic, null)
  extended_statistic  = try(each.value.percentile, null)
  period              = try(each.value.period, 300)
  evaluation_periods  = try(each.value.periods, 1)
  threshold           = each.value.threshold
  comparison_operator = try(each.value.comparison, "GreaterThanThreshold")
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = startswith(each.value.text, "page") ? local.actions : local.morning
}
