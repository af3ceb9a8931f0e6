variable "name" {
  description = "What the alarms are called after."
  type        = string
}

variable "api_id" {
  description = "The service's API."
  type        = string
}

variable "cluster" {
  description = "The cluster that the service runs in."
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
