{% if ci == 'none' %}
# No CI was chosen, so none is trusted: people deploy, with their own login.
{% else %}
# CI signs each job's token; AWS gives whoever shows a token of main a key that is good for an hour. No secret is kept.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
# ci.tf says who issues the tokens and what they say.

locals {
  issuer = trimprefix(var.trust.issuer, "https://")
}

# An account has one provider for each issuer. Where it has one already, ci_provider_arn names it, and it stays as it is.
resource "aws_iam_openid_connect_provider" "ci" {
  count = var.provider_arn == "" ? 1 : 0

  url            = var.trust.issuer
  client_id_list = [var.trust.audience]
}

locals {
  provider_arn = var.provider_arn == "" ? aws_iam_openid_connect_provider.ci[0].arn : var.provider_arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
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

resource "aws_iam_role" "deploy" {
  name                 = "${var.name}-deploy"
  description          = "What CI may do, from main alone"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}
{% endif %}
