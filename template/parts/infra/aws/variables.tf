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

variable "region" {
  description = "The AWS region, such as eu-central-1."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is the name of an AWS region, such as eu-central-1."
  }
}

{% if ci != 'none' %}
variable "state_bucket" {
  description = "The bucket that the state is in, so that CI's identity may use it. Empty: it may not."
  type        = string
  default     = ""
}

{% endif %}
{% if ci != 'none' %}
variable "ci_provider_arn" {
  description = "The ARN of the account's OIDC provider for CI, where it has one already: an account has one for each issuer. Empty: it is made here, and destroyed with this project."
  type        = string
  default     = ""

  validation {
    condition     = var.ci_provider_arn == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$", var.ci_provider_arn))
    error_message = "ci_provider_arn is what `aws iam list-open-id-connect-providers` prints: arn:aws:iam::ACCOUNT:oidc-provider/HOST."
  }
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
  description = "Whether anybody on the internet may ask the service. If not, callers sign with IAM (execute-api:Invoke)."
  type        = bool
  default     = false
}

variable "cpu" {
  description = "CPU units of an instance: 1024 are one core. Fargate takes certain pairs of cpu and memory."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu is 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "memory" {
  description = "Memory of an instance in MiB, twice to eight times the cpu."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu && var.memory % 512 == 0
    error_message = "memory is a multiple of 512 MiB, from 2 to 8 times the cpu units."
  }
}

variable "min_instances" {
  description = "How many instances run at least. Fargate cannot start one for a request: to run none, set sleep and wake, or take the service down with image = \"\"."
  type        = number
  default     = 1

  validation {
    condition     = var.min_instances >= 1
    error_message = "min_instances is at least 1: Fargate cannot start an instance for a request. See sleep and wake."
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

variable "sleep" {
  description = "When the service goes down to no instance, as in cron(0 20 ? * MON-FRI *), in UTC. Empty: never."
  type        = string
  default     = ""

  validation {
    condition     = (var.sleep == "") == (var.wake == "")
    error_message = "sleep and wake are set both or not at all."
  }
}

variable "wake" {
  description = "When it comes back, as in cron(0 6 ? * MON-FRI *), in UTC."
  type        = string
  default     = ""
}

variable "alert_email" {
  description = "Who is told of failures. AWS sends a message there first that must be confirmed. Empty: alarms are only shown."
  type        = string
  default     = ""

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "alert_email is an e-mail address."
  }
}

variable "log_days" {
  description = "How many days logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_days)
    error_message = "log_days is a number that CloudWatch takes: 30, 60, 90, 120, 180, 365, 400, 545, 731, 1096, 1827 or 3653."
  }
}

{% endif %}
variable "old_version_days" {
  description = "How many days a replaced or deleted file can be restored."
  type        = number
  default     = 90
}

variable "delete_data" {
  description = "Whether `destroy` may delete the bucket with its data, and a registry with images. Apply it first, then destroy."
  type        = bool
  default     = false
}
