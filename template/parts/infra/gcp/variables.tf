# What can be set: in terraform.tfvars, which is loaded by itself, or by -var NAME=VALUE.

variable "name" {
  description = "What everything here is called: lower-case letters, digits and hyphens, at most 20."
  type        = string
  default     = "{{ project_name[:20] | regex_replace('-+$', '') }}"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", var.name))
    error_message = "name starts with a letter and has at most 20 lower-case letters, digits and hyphens."
  }
}

variable "project_id" {
  description = "The id of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the id of a project of Google Cloud: set it in terraform.tfvars."
  }
}

variable "region" {
  description = "The region, such as europe-west1."
  type        = string
  default     = "us-central1"

  # Those of September 2026: https://cloud.google.com/compute/docs/regions-zones. A newer one is added here.
  validation {
    condition = contains([
      "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
      "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "asia-southeast3", "australia-southeast1",
      "australia-southeast2", "europe-central2", "europe-north1", "europe-north2", "europe-southwest1",
      "europe-west1", "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8",
      "europe-west9", "europe-west10", "europe-west12", "me-central1", "me-central2", "me-west1",
      "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1",
      "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2",
      "us-west3", "us-west4",
    ], var.region)
    error_message = "region is the name of a region of Google Cloud, such as europe-west1. If it is newer than the list in variables.tf, add it there."
  }
}

{% if ci != 'none' %}
variable "state_bucket" {
  description = "The bucket that the state is in, so that CI's identity may use it. Empty: it may not."
  type        = string
  default     = ""
}

{% endif %}
{% if ci != 'none' and 'container' in extras %}
variable "ci_may_destroy" {
  description = "Whether CI's stage destroy may take down all but identities: it then has an identity of its own. README.md says what comes first."
  type        = bool
  default     = false
}

{% endif %}
{% if 'container' in extras %}
variable "image" {
  description = "The image to run, with its tag or digest. Empty, as before the first push: everything but the service is made."
  type        = string
  default     = ""

  validation {
    condition     = var.image == "" || can(regex("^[^/]+/.+(:[^/]+|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image is REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST."
  }
}

variable "environment" {
  description = "Environment variables of the service, such as MLFLOW_TRACKING_URI; never a secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.environment), "PORT")
    error_message = "environment does not set PORT: the service listens where it is asked."
  }
}

variable "public" {
  description = "Whether anybody on the internet may ask the service. If not, callers need the role run.invoker on it."
  type        = bool
  default     = false
}

variable "cpu" {
  description = "Cores of an instance."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.cpu)
    error_message = "cpu is 1, 2, 4, 6 or 8."
  }
}

variable "memory" {
  description = "Memory of an instance in MiB."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 512 && var.memory <= 32768
    error_message = "memory is from 512 to 32768 MiB."
  }
}

variable "min_instances" {
  description = "How many instances run at least. 0: none while nobody asks, and the first request waits until one is ready."
  type        = number
  default     = 0

  validation {
    condition     = var.min_instances >= 0
    error_message = "min_instances is 0 or more."
  }
}

variable "max_instances" {
  description = "How many instances run at most."
  type        = number
  default     = 4

  validation {
    condition     = var.max_instances >= var.min_instances
    error_message = "max_instances is at least min_instances."
  }
}

variable "alert_email" {
  description = "Who is told of failures. Empty: alerts are only shown."
  type        = string
  default     = ""

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "alert_email is an e-mail address."
  }
}

variable "log_days" {
  description = "How many days the service's log is kept."
  type        = number
  default     = 365

  validation {
    condition     = var.log_days >= 1 && var.log_days <= 3650
    error_message = "log_days is from 1 to 3650."
  }
}

{% endif %}
variable "old_version_days" {
  description = "How many days a replaced or deleted file can be restored."
  type        = number
  default     = 90
}

variable "delete_data" {
  description = "Whether `destroy` may delete the bucket with its data. Apply it first, then destroy."
  type        = bool
  default     = false
}
