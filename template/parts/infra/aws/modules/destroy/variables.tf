variable "name" {
  description = "What the identity is called after, and everything that it may take down."
  type        = string
}

variable "region" {
  description = "Where it all is."
  type        = string
}

variable "account" {
  description = "The AWS account."
  type        = string
}

variable "bucket" {
  description = "The bucket of data and models."
  type        = string
}

variable "plan_policy" {
  description = "The right to read settings, as the deploy identity has it."
  type        = string
}

variable "state_policy" {
  description = "The right to use the state; empty if CI does not use it."
  type        = string
}

variable "provider_arn" {
  description = "What trusts CI's tokens."
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
