variable "name" {
  description = "The service's name."
  type        = string
}

variable "region" {
  description = "Where its log is."
  type        = string
}

variable "image" {
  description = "The image, with its tag or digest. It listens on PORT and answers /ready."
  type        = string
}

variable "environment" {
  description = "Its environment variables, besides PORT."
  type        = map(string)
}

variable "public" {
  description = "Whether anybody may ask it; if not, callers sign with IAM."
  type        = bool
}

variable "cpu" {
  description = "CPU units of an instance."
  type        = number
}

variable "memory" {
  description = "Memory of an instance in MiB."
  type        = number
}

variable "min_instances" {
  description = "How many instances run at least."
  type        = number
}

variable "max_instances" {
  description = "How many instances run at most."
  type        = number
}

variable "sleep" {
  description = "When it goes down to none; empty: never."
  type        = string
}

variable "wake" {
  description = "When it comes back."
  type        = string
}

variable "log_days" {
  description = "How many days logs are kept."
  type        = number
}

variable "service_role_arn" {
  description = "Who the program is."
  type        = string
}

variable "execution_role_arn" {
  description = "Who starts it."
  type        = string
}
