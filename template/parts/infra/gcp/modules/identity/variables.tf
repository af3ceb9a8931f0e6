variable "name" {
  description = "What the identities are called after."
  type        = string
}

variable "bucket" {
  description = "The bucket of data and models."
  type        = string
}
{% if ci != 'none' %}

variable "project_id" {
  description = "The project of Google Cloud."
  type        = string
}
{% if ci != 'circleci' %}

variable "project_number" {
  description = "Its number, which tokens are made out to."
  type        = string
}
{% endif %}
{% if 'container' in extras %}

variable "region" {
  description = "Where the repository is."
  type        = string
}

variable "repository" {
  description = "The repository of images."
  type        = string
}
{% endif %}

variable "state_bucket" {
  description = "The bucket of the state; empty if CI does not use it."
  type        = string
}

variable "state_prefix" {
  description = "What the names of the state's files begin with."
  type        = string
}

{% if ci == 'github' and 'container' in extras %}
variable "destroy_subject" {
  description = "Whom the tokens that take things down are about; empty: none is taken."
  type        = string
}

{% endif %}
variable "trust" {
{% if ci == 'circleci' %}
  description = "Which tokens of CI are trusted: who issued them, for whom, about whom (? stands for one character of a user's id)."
  type = object({
    issuer   = string
    audience = string
    subject  = string
  })
{% else %}
  description = "Which tokens of CI are trusted: who issued them, about whom."
  type = object({
    issuer  = string
    subject = string
  })
{% endif %}
}
{% endif %}
