variable "name" {
  description = "The bucket's name; nobody else in the world has it."
  type        = string
}

variable "region" {
  description = "Where it is."
  type        = string
}

variable "old_version_days" {
  description = "How many days old versions are kept."
  type        = number
}

variable "delete_data" {
  description = "Whether the bucket may be deleted with what is in it."
  type        = bool
}
