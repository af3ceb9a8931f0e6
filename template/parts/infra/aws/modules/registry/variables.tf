variable "name" {
  description = "The repository's name."
  type        = string
}

variable "delete_data" {
  description = "Whether the repository may be deleted with the images in it."
  type        = bool
}
