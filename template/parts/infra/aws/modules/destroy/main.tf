# Who takes things down from CI: another identity than the one that deploys. It deletes what storage, registry, service and
# alerts have made, by their names or by this project's tag, and reads settings. It makes nothing, and has no right to any
# identity: so it cannot take itself away in the middle, nor give anybody a right.

locals {
  issuer = trimprefix(var.trust.issuer, "https://")
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = [var.trust.audience]
    }

    condition {
      test     = "{{ 'StringLike' if ci == 'circleci' else 'StringEquals' }}"
      variable = "${local.issuer}:sub"
      values   = [var.trust.subject]
    }
  }
}

resource "aws_iam_role" "destroy" {
  name                 = "${var.name}-destroy"
  description          = "What CI's stage destroy may do"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.destroy.id
  policy = var.plan_policy
}

resource "aws_iam_role_policy" "state" {
  count = var.state_policy == "" ? 0 : 1

  name   = "state"
  role   = aws_iam_role.destroy.id
  policy = var.state_policy
}

data "aws_iam_policy_document" "destroy" {
  #checkov:skip=CKV_AWS_356:only what knows no resource has none: log deliveries, subscriptions and what is read
  #checkov:skip=CKV_AWS_111:the same; what has a name is named, what has tags is held to this project's
  #checkov:skip=CKV_AWS_109:it lifts the settings of the one bucket that it deletes, and gives nobody a right

  # Each setting of the bucket is a resource of its own: taking it down puts it back to what it was.
  statement {
    sid = "Bucket"
    actions = [
      "s3:DeleteBucket",
      "s3:DeleteBucketPolicy",
      "s3:ListBucket",
      "s3:ListBucketVersions",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ]
    resources = ["arn:aws:s3:::${var.bucket}"]
  }

  # Terraform asks for it only where delete_data was applied.
  statement {
    sid       = "Data"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = ["arn:aws:s3:::${var.bucket}/*"]
  }

  statement {
    sid       = "Registry"
    actions   = ["ecr:BatchDeleteImage", "ecr:DeleteLifecyclePolicy", "ecr:DeleteRepository", "ecr:ListImages"]
    resources = ["arn:aws:ecr:${var.region}:${var.account}:repository/${var.name}"]
  }

  statement {
    sid     = "Service"
    actions = ["ecs:DeleteCluster", "ecs:DeleteService", "ecs:UpdateService"]
    resources = [
      "arn:aws:ecs:${var.region}:${var.account}:cluster/${var.name}",
      "arn:aws:ecs:${var.region}:${var.account}:service/${var.name}/${var.name}",
    ]
  }

  statement {
    sid     = "Logs"
    actions = ["logs:DeleteLogGroup"]
    resources = [
      "arn:aws:logs:${var.region}:${var.account}:log-group:/ecs/${var.name}:*",
      "arn:aws:logs:${var.region}:${var.account}:log-group:/aws/apigateway/${var.name}:*",
    ]
  }

  statement {
    sid     = "Alerts"
    actions = ["cloudwatch:DeleteAlarms", "sns:DeleteTopic"]
    resources = [
      "arn:aws:cloudwatch:${var.region}:${var.account}:alarm:${var.name}-*",
      "arn:aws:cloudwatch:${var.region}:${var.account}:alarm:TargetTracking-service/${var.name}/${var.name}-*",
      "arn:aws:sns:${var.region}:${var.account}:${var.name}-alerts",
    ]
  }

  # These have names that AWS makes up. The provider has put this project's tag on each of them: see ../../versions.tf.
  statement {
    sid = "WhatHasTheProjectsTag"
    actions = [
      "apigateway:DELETE",
      "application-autoscaling:DeleteScalingPolicy",
      "application-autoscaling:DeleteScheduledAction",
      "application-autoscaling:DeregisterScalableTarget",
      "ec2:DeleteInternetGateway",
      "ec2:DeleteRouteTable",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet",
      "ec2:DeleteVpc",
      "ec2:DetachInternetGateway",
      "ec2:DisassociateRouteTable",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
      "servicediscovery:DeleteNamespace",
      "servicediscovery:DeleteService",
    ]
    resources = [
      "arn:aws:apigateway:${var.region}::*",
      "arn:aws:application-autoscaling:${var.region}:${var.account}:scalable-target/*",
      "arn:aws:ec2:${var.region}:${var.account}:*",
      "arn:aws:servicediscovery:${var.region}:${var.account}:*",
    ]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/project"
      values   = [var.name]
    }
  }

  # Routes and integrations have no tags. They can be had back by `uv run poe deploy` of whichever project they are of.
  statement {
    sid     = "Routes"
    actions = ["apigateway:DELETE"]
    resources = [
      "arn:aws:apigateway:${var.region}::/apis/*/integrations/*",
      "arn:aws:apigateway:${var.region}::/apis/*/routes/*",
    ]
  }

  # Cloud Map deletes the zone that it has made, in the name of whoever deletes the namespace.
  statement {
    sid       = "ZoneOfTheNamespace"
    actions   = ["route53:DeleteHostedZone"]
    resources = ["arn:aws:route53:::hostedzone/*"]

    condition {
      test     = "Bool"
      variable = "aws:ViaAWSService"
      values   = ["true"]
    }
  }

  statement {
    sid = "WhatKnowsNoResource"
    actions = [
      "ec2:DescribeNetworkInterfaces",
      "logs:DeleteLogDelivery",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "servicediscovery:GetOperation",
      "sns:Unsubscribe",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "destroy" {
  name   = "destroy"
  role   = aws_iam_role.destroy.id
  policy = data.aws_iam_policy_document.destroy.json
}
