# A bucket for a house on S3, and the policies of those who use it. The policies and settings are those of
# the JSON files beside this one.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket" {
  description = "The name of the bucket"
  type        = string
}

variable "prefix" {
  description = "What the names of the house's objects begin with; it ends with a slash"
  type        = string
  default     = "oubliette/"
}

locals {
  settings   = "${path.module}/bucket"
  encryption = jsondecode(file("${local.settings}/encryption.json")).Rules[0].ApplyServerSideEncryptionByDefault
  lifecycle  = jsondecode(file("${local.settings}/lifecycle.json")).Rules[0]
  public     = jsondecode(file("${local.settings}/public-access.json"))
}

resource "aws_s3_bucket" "house" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "house" {
  bucket                  = aws_s3_bucket.house.id
  block_public_acls       = local.public.BlockPublicAcls
  ignore_public_acls      = local.public.IgnorePublicAcls
  block_public_policy     = local.public.BlockPublicPolicy
  restrict_public_buckets = local.public.RestrictPublicBuckets
}

resource "aws_s3_bucket_server_side_encryption_configuration" "house" {
  bucket = aws_s3_bucket.house.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = local.encryption.SSEAlgorithm
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "house" {
  bucket = aws_s3_bucket.house.id

  rule {
    id     = local.lifecycle.ID
    status = local.lifecycle.Status

    filter {
      prefix = local.lifecycle.Filter.Prefix
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = local.lifecycle.AbortIncompleteMultipartUpload.DaysAfterInitiation
    }
  }
}

resource "aws_s3_bucket_policy" "transport" {
  bucket = aws_s3_bucket.house.id
  policy = replace(file("${local.settings}/transport.json"), "BUCKET", var.bucket)
}

resource "aws_iam_policy" "house" {
  for_each = toset(["appender", "backups", "eraser", "reader"])

  name   = "${var.bucket}-${each.key}"
  policy = replace(replace(file("${path.module}/${each.key}.json"), "BUCKET", var.bucket), "PREFIX", var.prefix)
}

output "policies" {
  description = "The policies to attach to roles, by who they are for"
  value       = { for name, policy in aws_iam_policy.house : name => policy.arn }
}
