variable "name" {
  description = "The service's name."
  type        = string
}

variable "project_id" {
  description = "The project that its log is in."
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

variable "environment" {
  description = "Its environment variables, besides PORT."
  type        = map(string)
}

variable "public" {
  description = "Whether anybody may ask it; if not, callers have the role run.invoker."
  type        = bool
}

variable "cpu" {
  description = "Cores of an instance."
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

variable "log_days" {
  description = "How many days its log is kept."
  type        = number
}

variable "service_account" {
  description = "Who the program is."
  type        = string
}
{% if ci != 'none' %}

variable "deploy_account" {
  description = "Who puts a new image into it."
  type        = string
}
{% endif %}
