variable "name" {
  description = "What the alerts are called after."
  type        = string
}

variable "service" {
  description = "The service's name."
  type        = string
}

variable "email" {
  description = "Who is told; empty: nobody."
  type        = string
}
