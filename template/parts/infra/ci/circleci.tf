# Which tokens of CircleCI the deploy identity trusts: those of this project and repository, from main alone. The job
# shows $CIRCLE_OIDC_TOKEN_V2, the one whose subject names repository and branch.
# What a token says: https://circleci.com/docs/openid-connect-tokens/
{% if cloud == 'aws' %}
# How the pair works: https://circleci.com/docs/openid-connect-tokens/#aws
{% elif cloud == 'gcp' %}
# How the pair works: https://circleci.com/docs/openid-connect-tokens/#google-cloud-platform
{% else %}
# CircleCI has no page for Azure; what Azure asks for is in modules/identity/trust.tf.
{% endif %}

variable "ci_organization" {
  description = "CircleCI's id of the organization (Organization Settings, Overview)."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.ci_organization))
    error_message = "ci_organization is the id under Organization Settings, Overview: set it in terraform.tfvars."
  }
}

variable "ci_project" {
  description = "CircleCI's id of the project (Project Settings, Overview)."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.ci_project))
    error_message = "ci_project is the id under Project Settings, Overview: set it in terraform.tfvars."
  }
}

variable "ci_repository" {
  description = "Where the code is, as tokens name it: github.com/owner/name. A fork's token names the fork."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(/[A-Za-z0-9_.-]+)+$", var.ci_repository))
    error_message = "ci_repository is host/owner/name, such as github.com/owner/name: set it in terraform.tfvars."
  }
}
{% if cloud == 'azure' %}

variable "ci_users" {
  description = "CircleCI's ids of the users whose pushes may deploy: a token's subject names the user, and Azure takes whole subjects only, at most 20."
  type        = set(string)

  validation {
    condition     = length(var.ci_users) > 0 && length(var.ci_users) <= 20
    error_message = "ci_users has 1 to 20 ids: the failed login of a job tells the subject with the user's id in it. Set them in terraform.tfvars."
  }
}
{% endif %}

locals {
  trust = {
    issuer   = "https://oidc.circleci.com/org/${var.ci_organization}"
    audience = var.ci_organization
{% if cloud == 'azure' %}
    subjects = {
      for user in var.ci_users : user => "org/${var.ci_organization}/project/${var.ci_project}/user/${user}/vcs-origin/${var.ci_repository}/vcs-ref/refs/heads/main"
    }
{% else %}
    # Whoever pushed: a user's id, ? for each character. A * would stand for slashes too, and a branch can have a name
    # that ends like the rest of a token of main.
    subject = "org/${var.ci_organization}/project/${var.ci_project}/user/????????-????-????-????-????????????/vcs-origin/${var.ci_repository}/vcs-ref/refs/heads/main"
{% endif %}
  }
{% if cloud != 'gcp' and 'container' in extras %}

  # The subject names the branch and not the job: whatever runs on main may take things down, once ci_may_destroy is set.
  trust_to_destroy = local.trust
{% endif %}
}
