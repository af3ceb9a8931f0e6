# Which tokens of GitLab CI the deploy identity trusts: those of this project, from main alone.
# What a token says: https://docs.gitlab.com/ci/secrets/id_token_authentication/
# A GitLab of your own: 18.2.2 or later. Before, a merge request from the main of a fork was told as main, if a member
# started its pipeline here: https://gitlab.com/gitlab-org/gitlab/-/issues/548165
{% if cloud == 'aws' %}
# How the pair works: https://docs.gitlab.com/ci/cloud_services/aws/
{% elif cloud == 'gcp' %}
# How the pair works: https://docs.gitlab.com/ci/cloud_services/google_cloud/
{% else %}
# How the pair works: https://docs.gitlab.com/ci/cloud_services/azure/
{% endif %}

variable "ci_repository" {
  description = "The project's path: group/project, or group/subgroup/project."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$", var.ci_repository))
    error_message = "ci_repository is group/project: set it in terraform.tfvars."
  }
}

variable "ci_host" {
  description = "Where GitLab is: gitlab.com, or a host of your own that the cloud can reach by https."
  type        = string
  default     = "gitlab.com"

  validation {
    condition     = can(regex("^[A-Za-z0-9.-]+(:[0-9]+)?$", var.ci_host))
    error_message = "ci_host is a host name without https://."
  }
}

locals {
  trust = {
{% if cloud == 'gcp' %}
    issuer  = "https://${var.ci_host}"
    subject = "project_path:${var.ci_repository}:ref_type:branch:ref:main"
{% elif cloud == 'aws' %}
    issuer   = "https://${var.ci_host}"
    audience = "sts.amazonaws.com"
    subject  = "project_path:${var.ci_repository}:ref_type:branch:ref:main"
{% else %}
    issuer   = "https://${var.ci_host}"
    audience = "api://AzureADTokenExchange"
    subjects = { main = "project_path:${var.ci_repository}:ref_type:branch:ref:main" }
{% endif %}
  }
{% if cloud != 'gcp' and 'container' in extras %}

  # The subject names the branch and no environment: whatever runs on main may take things down, once ci_may_destroy is set.
  trust_to_destroy = local.trust
{% endif %}
}
