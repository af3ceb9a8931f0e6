variable "name" {
  description = "The repository's name, and the image's in it."
  type        = string
}

variable "project_id" {
  description = "The project that it is in."
  type        = string
}

variable "region" {
  description = "Where it is."
  type        = string
}
