variable "name" {
  description = "The registry's name; nobody else in the world has it."
  type        = string
}

variable "image" {
  description = "The image's name in it."
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
