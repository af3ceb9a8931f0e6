{% if ci == 'none' %}
# What CI may do would be here: see trust.tf.
{% else %}
# What CI may do: data and models{{ ', push the image, put a new image into the service that is there' if 'container' in extras }}. It cannot make or
# delete anything else, and not change who may do what: a person does that, with `uv run poe deploy` and their own login.

data "aws_iam_policy_document" "data" {
  statement {
    sid       = "ListData"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    resources = [var.bucket_arn]
  }

  statement {
    sid       = "ReadAndWriteData"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${var.bucket_arn}/dvc/*", "${var.bucket_arn}/mlflow/*"]
  }
}

resource "aws_iam_role_policy" "data" {
  name   = "data"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.data.json
}

# Where a plan starts from: the state, and its lock, which is a file beside it.
data "aws_iam_policy_document" "state" {
  statement {
    sid       = "ListState"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::${var.state_bucket}"]
  }

  statement {
    sid       = "UseState"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::${var.state_bucket}/${var.state_key}"]
  }

  statement {
    sid       = "LockState"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::${var.state_bucket}/${var.state_key}.tflock"]
  }
}

resource "aws_iam_role_policy" "state" {
  count = var.state_bucket == "" ? 0 : 1

  name   = "state"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.state.json
}

{% if 'container' in extras %}
data "aws_iam_policy_document" "deploy" {
  #checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken and the task definitions' actions know no resource
  #checkov:skip=CKV_AWS_111:the same: only these are without one
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [var.repository_arn]
  }

  # A new image is a new revision of the task definition.
  statement {
    sid       = "NewRevision"
    actions   = ["ecs:RegisterTaskDefinition", "ecs:TagResource"]
    resources = ["*"]
  }

  statement {
    sid       = "UpdateService"
    actions   = ["ecs:UpdateService"]
    resources = ["arn:aws:ecs:${var.region}:${var.account}:service/${var.name}/${var.name}"]
  }

  # Terraform waits until the deployment that it has started is through, or was taken back.
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment-permissions.html
  statement {
    sid     = "WatchDeployment"
    actions = ["ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments"]
    resources = [
      "arn:aws:ecs:${var.region}:${var.account}:service-deployment/${var.name}/${var.name}/*",
      "arn:aws:ecs:${var.region}:${var.account}:service/${var.name}/${var.name}",
    ]
  }

  statement {
    sid       = "ScaleService"
    actions   = ["application-autoscaling:RegisterScalableTarget"]
    resources = ["arn:aws:application-autoscaling:${var.region}:${var.account}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["ecs"]
    }
  }

  statement {
    sid       = "GiveItsRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.service.arn, aws_iam_role.execution.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.deploy.json
}

{% endif %}
# To plan, Terraform reads what is there: settings, never data.
data "aws_iam_policy_document" "plan" {
  #checkov:skip=CKV_AWS_356:reads settings of what this project made, and most of these actions know no resource
  #checkov:skip=CKV_AWS_108:no action here reads data: buckets are read as settings, and no secret is kept anywhere here
  statement {
    sid = "ReadSettings"
    actions = [
      "apigateway:GET",
      "application-autoscaling:Describe*",
      "application-autoscaling:ListTagsForResource",
      "cloudwatch:DescribeAlarms",
      "cloudwatch:ListTagsForResource",
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeNetworkAcls",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSecurityGroupRules",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcAttribute",
      "ec2:DescribeVpcs",
      "ecr:DescribeRepositories",
      "ecr:GetLifecyclePolicy",
      "ecr:ListTagsForResource",
      "ecs:DescribeClusters",
      "ecs:DescribeServices",
      "ecs:DescribeTaskDefinition",
      "ecs:ListTagsForResource",
      "iam:GetOpenIDConnectProvider",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "logs:DescribeLogGroups",
      "logs:ListTagsForResource",
      "route53:GetHostedZone",
      "servicediscovery:GetNamespace",
      "servicediscovery:GetService",
      "servicediscovery:ListTagsForResource",
      "sns:GetSubscriptionAttributes",
      "sns:GetTopicAttributes",
      "sns:ListTagsForResource",
    ]
    resources = ["*"]
  }

  statement {
    sid = "ReadBucketSettings"
    actions = [
      "s3:GetAccelerateConfiguration",
      "s3:GetBucketAcl",
      "s3:GetBucketCORS",
      "s3:GetBucketLogging",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketRequestPayment",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetBucketWebsite",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListTagsForResource",
    ]
    resources = [var.bucket_arn]
  }
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.plan.json
}
{% endif %}
