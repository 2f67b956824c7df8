# What `trailbell rules --format template` makes, for Terraform: one account and region that sends S3 data events to Trailbell's event bus.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "patterns_file" {
  description = "What `trailbell rules --format json` printed."
  type        = string
}

variable "event_bus_arn" {
  description = "The output event_bus_arn of Trailbell's own stack."
  type        = string
  validation {
    condition     = can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._-]+$", var.event_bus_arn))
    error_message = "The ARN of an event bus."
  }
}

variable "event_bus_name" {
  description = "The bus of this account and region that has CloudTrail's events."
  type        = string
  default     = "default"
}

variable "alarm_topic_arn" {
  description = "A topic in this region that hears when events cannot be sent."
  type        = string
  default     = ""
}

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

locals {
  patterns = { for number, pattern in jsondecode(file(var.patterns_file)) : number + 1 => jsonencode(pattern) }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each       = local.patterns
  name           = "trailbell-${each.key}"
  description    = "S3 data events for Trailbell"
  event_bus_name = var.event_bus_name
  event_pattern  = each.value
}

resource "aws_cloudwatch_event_target" "this" {
  for_each       = aws_cloudwatch_event_rule.this
  rule           = each.value.name
  event_bus_name = var.event_bus_name
  arn            = var.event_bus_arn
  role_arn       = aws_iam_role.sender.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
}

# A role's name holds in all regions of an account, so it has the region in it.
resource "aws_iam_role" "sender" {
  name               = "trailbell-rules-${data.aws_region.this.name}"
  assume_role_policy = data.aws_iam_policy_document.eventbridge_assumes.json
}

data "aws_iam_policy_document" "eventbridge_assumes" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role_policy" "send" {
  name   = "send"
  role   = aws_iam_role.sender.id
  policy = data.aws_iam_policy_document.sends.json
}

data "aws_iam_policy_document" "sends" {
  statement {
    actions   = ["events:PutEvents"]
    resources = [var.event_bus_arn]
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "trailbell-rules-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.rules_send.json
}

data "aws_iam_policy_document" "rules_send" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.this : rule.arn]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "not_sent" {
  alarm_name          = "trailbell-rules-not-sent"
  alarm_description   = "S3 data events could not be sent to Trailbell: they are in the queue of dead letters."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
}
