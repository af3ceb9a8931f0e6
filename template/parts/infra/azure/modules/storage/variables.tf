variable "name" {
  description = "The account's name; nobody else in the world has it."
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

variable "people" {
  description = "Who reads and writes data."
  type        = set(string)
}

variable "old_version_days" {
  description = "How many days old versions are kept."
  type        = number
}

variable "delete_data" {
  description = "Whether the container may be deleted with what is in it."
  type        = bool
}
