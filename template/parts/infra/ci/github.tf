# Which tokens of GitHub Actions the deploy identity trusts: those of this repository, from main alone.
# What a token says: https://docs.github.com/actions/reference/security/oidc
{% if cloud == 'aws' %}
# How the pair works: https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
{% elif cloud == 'gcp' %}
# How the pair works: https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-google-cloud-platform
{% else %}
# How the pair works: https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-azure
{% endif %}

variable "ci_repository" {
  description = "The repository as its tokens name it: owner@OWNER_ID/name@ID if it was made or renamed since the middle of 2026 (both ids: gh api repos/OWNER/NAME --jq '.owner.id, .id'), else owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.ci_repository))
    error_message = "ci_repository is owner/name, or owner@OWNER_ID/name@ID: set it in terraform.tfvars."
  }
}

variable "ci_environment" {
  description = "If the job that deploys names an environment, its name: the token then says it instead of the branch. Let only main into it (Settings, Environments)."
  type        = string
  default     = ""
}

{% set subject = '"repo:${var.ci_repository}:${var.ci_environment == "" ? "ref:refs/heads/main" : "environment:${var.ci_environment}"}"' %}
locals {
  trust = {
{% if cloud == 'gcp' %}
    issuer  = "https://token.actions.githubusercontent.com"
    subject = {{ subject }}
{% elif cloud == 'aws' %}
    issuer   = "https://token.actions.githubusercontent.com"
    audience = "sts.amazonaws.com"
    subject  = {{ subject }}
{% else %}
    issuer   = "https://token.actions.githubusercontent.com"
    audience = "api://AzureADTokenExchange"
    subjects = { main = {{ subject }} }
{% endif %}
  }
{% if 'container' in extras %}

  # The stage destroy is in an environment of its own, and its token says so instead of the branch.
  trust_to_destroy = merge(local.trust, {
{% if cloud == 'azure' %}
    subjects = { destroy = "repo:${var.ci_repository}:environment:destroy" }
{% else %}
    subject = "repo:${var.ci_repository}:environment:destroy"
{% endif %}
  })
{% endif %}
}
