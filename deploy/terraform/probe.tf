# The probe: each five minutes an object is read by a role of its own, since the rule leaves out what the function's own does. An alarm rings
# where the event of that does not come.

resource "aws_iam_role" "probe" {
  count = local.probes ? 1 : 0
  name  = "${var.name}-probe"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = aws_iam_role.this.arn } }]
  })
}

resource "aws_iam_role_policy" "probe" {
  count = local.probes ? 1 : 0
  name  = "canary"
  role  = aws_iam_role.probe[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "arn:${data.aws_partition.this.partition}:s3:::${var.probe_bucket}/${var.probe_key}"
    }]
  })
}

resource "aws_cloudwatch_event_rule" "probe" {
  count               = local.probes ? 1 : 0
  name                = "${var.name}-probe"
  description         = "Reads the probe's object, whose event has to come."
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "probe" {
  count = local.probes ? 1 : 0
  rule  = aws_cloudwatch_event_rule.probe[0].name
  arn   = aws_lambda_alias.live.arn
  input = jsonencode({ trailbell = "probe" })
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "probe" {
  count         = local.probes ? 1 : 0
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.probe[0].arn
}
