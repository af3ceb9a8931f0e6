variable "name" {
  description = "What the identity is called after."
  type        = string
}

variable "project_id" {
  description = "The project of Google Cloud."
  type        = string
}

variable "bucket" {
  description = "The bucket of data and models."
  type        = string
}

variable "state_bucket" {
  description = "The bucket of the state; empty if CI does not use it."
  type        = string
}

variable "state_prefix" {
  description = "What the names of the state's files begin with."
  type        = string
}

variable "plan_role" {
  description = "The right to read settings, as the deploy account has it."
  type        = string
}

variable "pool" {
  description = "Those whose tokens the provider has taken."
  type        = string
}
{% if ci == 'github' %}

variable "subject" {
  description = "Whom the tokens are about."
  type        = string
}
{% endif %}
