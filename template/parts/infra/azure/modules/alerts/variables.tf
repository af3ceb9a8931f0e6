variable "name" {
  description = "What the alerts are called after."
  type        = string
}

variable "group" {
  description = "The resource group."
  type        = string
}

variable "service_id" {
  description = "The service."
  type        = string
}

variable "email" {
  description = "Who is told; empty: nobody."
  type        = string
}
