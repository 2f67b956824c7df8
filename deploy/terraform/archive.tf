# Audit records that nobody can change: the log's, in a bucket with Object Lock.

locals {
  archives = var.archive_days > 0
}

resource "aws_s3_bucket" "archive" {
  count               = local.archives ? 1 : 0
  bucket_prefix       = "${var.name}-archive-"
  object_lock_enabled = true
}

resource "aws_s3_bucket_public_access_block" "archive" {
  count                   = local.archives ? 1 : 0
  bucket                  = aws_s3_bucket.archive[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  rule {
    default_retention {
      mode = var.archive_mode
      days = var.archive_days
    }
  }
  depends_on = [aws_s3_bucket_versioning.archive]
}

resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  rule {
    id     = "after the lock"
    status = "Enabled"
    filter {}
    expiration {
      days = var.archive_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }
}

data "aws_iam_policy_document" "archive" {
  count = local.archives ? 1 : 0
  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.archive[0].arn, "${aws_s3_bucket.archive[0].arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
  statement {
    sid       = "OnlyTheStreamWrites"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.archive[0].arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [aws_iam_role.archive_writer[0].arn]
    }
  }
}

resource "aws_s3_bucket_policy" "archive" {
  count  = local.archives ? 1 : 0
  bucket = aws_s3_bucket.archive[0].id
  policy = data.aws_iam_policy_document.archive[0].json
}

# A log line a record, so that what comes out are JSON Lines.
resource "aws_kinesis_firehose_delivery_stream" "archive" {
  count       = local.archives ? 1 : 0
  name        = "${var.name}-archive"
  destination = "extended_s3"
  depends_on  = [aws_iam_role_policy.archive_writer]
  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }
  extended_s3_configuration {
    bucket_arn          = aws_s3_bucket.archive[0].arn
    role_arn            = aws_iam_role.archive_writer[0].arn
    prefix              = "audit/!{timestamp:yyyy/MM/dd}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    buffering_interval  = 900
    buffering_size      = 64
    compression_format  = "GZIP"
    file_extension      = ".jsonl.gz"
    processing_configuration {
      enabled = true
      processors {
        type = "Decompression"
        parameters {
          parameter_name  = "CompressionFormat"
          parameter_value = "GZIP"
        }
      }
      processors {
        type = "CloudWatchLogProcessing"
        parameters {
          parameter_name  = "DataMessageExtraction"
          parameter_value = "true"
        }
      }
      processors {
        type = "AppendDelimiterToRecord"
      }
    }
  }
}

resource "aws_iam_role" "archive_writer" {
  count = local.archives ? 1 : 0
  name  = "${var.name}-archive"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "firehose.amazonaws.com" }
      Condition = { StringEquals = { "sts:ExternalId" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "archive_writer" {
  count = local.archives ? 1 : 0
  name  = "archive"
  role  = aws_iam_role.archive_writer[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = "${aws_s3_bucket.archive[0].arn}/*" },
      {
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = aws_s3_bucket.archive[0].arn
      },
    ]
  })
}

resource "aws_iam_role" "archive_subscriber" {
  count = local.archives ? 1 : 0
  name  = "${var.name}-archive-subscription"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "logs.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "archive_subscriber" {
  count = local.archives ? 1 : 0
  name  = "subscription"
  role  = aws_iam_role.archive_subscriber[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["firehose:PutRecord", "firehose:PutRecordBatch"]
      Resource = aws_kinesis_firehose_delivery_stream.archive[0].arn
    }]
  })
}

resource "aws_cloudwatch_log_subscription_filter" "archive" {
  count           = local.archives ? 1 : 0
  name            = "${var.name}-archive"
  log_group_name  = aws_cloudwatch_log_group.this.name
  destination_arn = aws_kinesis_firehose_delivery_stream.archive[0].arn
  role_arn        = aws_iam_role.archive_subscriber[0].arn
  filter_pattern  = "{ $.type = \"decision\" || $.type = \"delivery\" || $.type = \"undecided\" || $.type = \"self_test\" }"
  depends_on      = [aws_iam_role_policy.archive_subscriber]
}
