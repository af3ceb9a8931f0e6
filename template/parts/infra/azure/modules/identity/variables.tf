variable "name" {
  description = "What the identities are called after."
  type        = string
}

variable "group" {
  description = "The resource group."
  type        = string
}

variable "region" {
  description = "Where they are."
  type        = string
}

variable "container_id" {
  description = "The container of data and models."
  type        = string
}
{% if 'container' in extras %}

variable "registry_id" {
  description = "The registry of images."
  type        = string
}
{% endif %}
{% if ci != 'none' %}

variable "group_id" {
  description = "The resource group, for rights."
  type        = string
}

variable "state_container_id" {
  description = "The container of the state; empty if CI does not use it."
  type        = string
}

variable "trust" {
  description = "Which tokens of CI are trusted: who issued them, for whom, about whom (each with a name)."
  type = object({
    issuer   = string
    audience = string
    subjects = map(string)
  })
}
{% endif %}
