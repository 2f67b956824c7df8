# To look at: saved queries of CloudWatch Logs Insights, and a dashboard. The same as in deploy/template.yaml.

locals {
  queries = {
    "one event"                = <<-QUERY
      filter @message like "EVENT-ID"
      | fields @timestamp, type, channel, posted_to, outcome, reason, status, decision.class, decision.revision, invocation
      | sort @timestamp asc
    QUERY
    "failed posts"             = <<-QUERY
      filter type = "delivery" and outcome = "failed"
      | stats count(*) as posts by channel, reason, status
      | sort posts desc
    QUERY
    "what rings most"          = <<-QUERY
      filter type = "decision" and not ispresent(decision.mutes.0.id)
      | stats count_distinct(decision.event_id) as events by decision.routes.0, decision.defaulted, decision.class
      | sort events desc
    QUERY
    "muted and silenced"       = <<-QUERY
      filter type = "decision" and (ispresent(decision.mutes.0.id) or ispresent(decision.silences.0.id))
      | stats count_distinct(decision.event_id) as events by decision.mutes.0.policy, decision.mutes.0.id, decision.silences.0.policy, decision.silences.0.id
      | sort events desc
    QUERY
    "failed matchers"          = <<-QUERY
      filter type = "decision" and ispresent(decision.failures.0.id)
      | stats count_distinct(decision.event_id) as events by decision.failures.0.kind, decision.failures.0.policy, decision.failures.0.id, decision.failures.0.reason
      | sort events desc
    QUERY
    "unreadable and undecided" = <<-QUERY
      filter type = "undecided"
      | stats count(*) as records by reason, where
      | sort records desc
    QUERY
    "policy sets in force"     = <<-QUERY
      filter type = "decision"
      | stats count_distinct(decision.event_id) as events, min(@timestamp) as first, max(@timestamp) as last by decision.revision, commit
      | sort last desc
    QUERY
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each        = local.queries
  name            = "${var.name}/${each.key}"
  log_group_names = [aws_cloudwatch_log_group.this.name]
  query_string    = each.value
}

locals {
  function = aws_lambda_function.this.function_name
  ends     = ["Delivered", "Muted", "Silenced", "Duplicate", "PassedOver", "Failed", "Unreadable"]
  queue    = aws_sqs_queue.events[*].name

  widgets = [
    { title = "How records end", stat = "Sum", period = 300, metrics = [for end in local.ends : ["Trailbell", end, "Function", local.function]] },
    { title = "Posts that failed, by channel", stat = "Sum", period = 300, metrics = [
      [{ id = "failed", expression = "SEARCH('{Trailbell,Function,Channel} MetricName=\"MessageFailed\" Function=\"${local.function}\"', 'Sum', 300)" }],
    ] },
    { title = "Who", stat = "Sum", period = 300, metrics = [
      [{ id = "classes", expression = "SEARCH('{Trailbell,Function,Class} MetricName=\"Decided\" Function=\"${local.function}\"', 'Sum', 300)" }],
    ] },
    { title = "Waiting and dead", stat = "Maximum", period = 60, metrics = concat(
      [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letters.name, { label = "dead letters" }]],
      [for name in local.queue : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { label = "waiting" }]],
      [for name in local.queue : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, { label = "the oldest, in seconds", yAxis = "right" }]],
    ) },
    { title = "The function", stat = "Sum", period = 300, metrics = [
      ["AWS/Lambda", "Invocations", "FunctionName", local.function],
      ["AWS/Lambda", "Errors", "FunctionName", local.function],
      ["AWS/Lambda", "Throttles", "FunctionName", local.function],
      ["AWS/Lambda", "Duration", "FunctionName", local.function, { stat = "p99", yAxis = "right" }],
    ] },
    { title = "The policies", stat = "Maximum", period = 300, metrics = [
      ["Trailbell", "FailedMatchers", "Function", local.function],
      ["Trailbell", "PolicySetRefused", "Function", local.function],
      ["Trailbell", "PolicySetAge", "Function", local.function, { label = "age of the set, in seconds", yAxis = "right" }],
    ] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for place, widget in local.widgets : {
      type   = "metric"
      x      = 12 * (place % 2)
      y      = 6 * floor(place / 2)
      width  = 12
      height = 6
      properties = {
        title   = widget.title
        region  = data.aws_region.this.name
        stat    = widget.stat
        period  = widget.period
        metrics = widget.metrics
      }
    }]
  })
}
