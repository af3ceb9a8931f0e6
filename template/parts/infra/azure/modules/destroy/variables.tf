variable "name" {
  description = "What the identity is called after."
  type        = string
}

variable "group" {
  description = "The resource group."
  type        = string
}

variable "group_id" {
  description = "The resource group, for rights."
  type        = string
}

variable "region" {
  description = "Where it is."
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
