variable "name" {
  description = "What the identities are called after."
  type        = string
}

variable "bucket_arn" {
  description = "The bucket of data and models."
  type        = string
}
{% if 'container' in extras %}

variable "repository_arn" {
  description = "The repository of images."
  type        = string
}
{% endif %}
{% if ci != 'none' and 'container' in extras %}

variable "region" {
  description = "Where the service is."
  type        = string
}

variable "account" {
  description = "The AWS account."
  type        = string
}
{% endif %}
{% if ci != 'none' %}

variable "state_bucket" {
  description = "The bucket of the state; empty if CI does not use it."
  type        = string
}

variable "state_key" {
  description = "The state's name in its bucket."
  type        = string
}

variable "provider_arn" {
  description = "The account's OIDC provider for CI's issuer; empty: it is made here."
  type        = string
}

variable "trust" {
  description = "Which tokens of CI are trusted: who issued them, for whom, about whom{{ " (? stands for one character)" if ci == 'circleci' }}."
  type = object({
    issuer   = string
    audience = string
    subject  = string
  })
}
{% endif %}
