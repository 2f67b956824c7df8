output "function_name" {
  description = "The function; update its code to deploy a new policy set."
  value       = aws_lambda_function.this.function_name
}

output "log_group_name" {
  description = "Where the audit records are."
  value       = aws_cloudwatch_log_group.this.name
}

output "dead_letter_queue_url" {
  description = "What could not be handled."
  value       = aws_sqs_queue.dead_letters.id
}

output "rule_name" {
  description = "The rule that lets events through."
  value       = aws_cloudwatch_event_rule.this.name
}

output "archive_bucket" {
  description = "Where audit records are kept that nobody can change; null without archive_days."
  value       = local.archives ? aws_s3_bucket.archive[0].id : null
}

output "queue_arn" {
  description = "Where new log files are announced to, and events sent; null where the rule invokes the function itself."
  value       = local.queued ? aws_sqs_queue.events[0].arn : null
}

output "event_bus_arn" {
  description = "Where the rules of the organization's accounts send to; null without organization_id."
  value       = local.organized ? aws_cloudwatch_event_bus.this[0].arn : null
}

# A check warns, and stops nothing.
check "somebody_hears_alarms" {
  assert {
    condition     = var.alarm_topic_arn != ""
    error_message = "No one is told when Trailbell breaks: set alarm_topic_arn."
  }
}
