variable "name" {
  description = "The service's name."
  type        = string
}

variable "group" {
  description = "The resource group."
  type        = string
}

variable "region" {
  description = "Where it is."
  type        = string
}

variable "image" {
  description = "The image, with its tag or digest. It listens on PORT and answers /ready."
  type        = string
}

variable "registry" {
  description = "The registry that it is pulled from."
  type        = string
}

variable "environment" {
  description = "Its environment variables, besides PORT."
  type        = map(string)
}

variable "public" {
  description = "Whether it can be asked from outside; if not, from apps of the same environment."
  type        = bool
}

variable "cpu" {
  description = "Cores of an instance; its memory is 2 GiB a core."
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

variable "log_days" {
  description = "How many days its log is kept."
  type        = number
}

variable "service_identity_id" {
  description = "Who the program is, and who pulls its image."
  type        = string
}
