# Which tokens of Jenkins the deploy identity trusts: those of this project's job for main alone. Jenkins signs them with
# the plugin OpenID Connect Provider, by a credential of the kind "OpenID Connect id token" (not the one "as file").
# The issuer's two pages must be open to the cloud by https, or be served from elsewhere: see the plugin's page.
# What a token says, and how each pair works: https://plugins.jenkins.io/oidc-provider/

variable "ci_issuer" {
  description = "The credential's issuer, as Jenkins shows it: https://jenkins.example.com/oidc, or of a folder."
  type        = string

  validation {
    condition     = can(regex("^https://[^ ]+[^/ ]$", var.ci_issuer))
    error_message = "ci_issuer is the https address that Jenkins shows for the credential, without a slash at its end: set it in terraform.tfvars."
  }
}

variable "ci_job" {
  description = "The address of the job for main: https://jenkins.example.com/job/NAME/job/main/"
  type        = string

  validation {
    condition     = can(regex("^https://[^ *?]+/job/main/$", var.ci_job))
    error_message = "ci_job is the address of the multibranch pipeline's job for main, and ends with /job/main/: set it in terraform.tfvars."
  }
}

locals {
  trust = {
{% if cloud == 'gcp' %}
    issuer  = var.ci_issuer
    subject = var.ci_job
{% elif cloud == 'aws' %}
    issuer   = var.ci_issuer
    audience = "sts.amazonaws.com"
    subject  = var.ci_job
{% else %}
    issuer   = var.ci_issuer
    audience = "api://AzureADTokenExchange"
    subjects = { main = var.ci_job }
{% endif %}
  }
{% if cloud != 'gcp' and 'container' in extras %}

  # The subject names the job for main and not the stage: whatever runs on main may take things down, once ci_may_destroy is set.
  trust_to_destroy = local.trust
{% endif %}
}
