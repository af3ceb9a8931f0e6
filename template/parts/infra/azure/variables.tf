# What can be set: in terraform.tfvars, which is loaded by itself, or by -var NAME=VALUE.

variable "name" {
  description = "What everything here is called: 4 to 20 lower-case letters, digits and single hyphens."
  type        = string
  default     = "{{ project_name[:20] | regex_replace('-+$', '') if project_name | length > 3 else project_name ~ '-ml' }}"

  # A Log Analytics workspace has at least 4 characters, a Container App no double hyphen.
  # https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name starts with a letter and has 4 to 20 lower-case letters, digits and single hyphens."
  }
}

variable "subscription_id" {
  description = "The id of the subscription (az account show --query id)."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription_id))
    error_message = "subscription_id is what `az account show --query id` says: set it in terraform.tfvars."
  }
}

variable "region" {
  description = "The region, such as westeurope."
  type        = string
  default     = "eastus"

  # Those of September 2026: https://learn.microsoft.com/azure/reliability/regions-list. A newer one is added here.
  validation {
    condition = contains([
      "australiacentral", "australiacentral2", "australiaeast", "australiasoutheast", "austriaeast",
      "belgiumcentral", "brazilsouth", "brazilsoutheast", "canadacentral", "canadaeast", "centralindia",
      "centralus", "chilecentral", "denmarkeast", "eastasia", "eastus", "eastus2", "francecentral", "francesouth",
      "germanynorth", "germanywestcentral", "indiasouthcentral", "indonesiacentral", "israelcentral", "italynorth",
      "japaneast", "japanwest", "jioindiacentral", "jioindiawest", "koreacentral", "koreasouth", "malaysiawest",
      "mexicocentral", "newzealandnorth", "northcentralus", "northeurope", "norwayeast", "norwaywest",
      "polandcentral", "qatarcentral", "southafricanorth", "southafricawest", "southcentralus", "southeastasia",
      "southindia", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uaecentral",
      "uaenorth", "uksouth", "ukwest", "westcentralus", "westeurope", "westindia", "westus", "westus2", "westus3",
    ], var.region)
    error_message = "region is the name of a region of Azure, such as westeurope. If it is newer than the list in variables.tf, add it there."
  }
}

variable "people" {
  description = "The object ids of those who read and write data: users or groups. On Azure not even an owner may without it."
  type        = set(string)
  default     = []
}

{% if ci != 'none' %}
variable "state_container_id" {
  description = "The id of the container that the state is in (az storage container-rm show --query id), so that CI's identity may use it. Empty: it may not."
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
  description = "Whether anybody on the internet may ask the service. If not, only apps of the same environment may."
  type        = bool
  default     = false
}

variable "cpu" {
  description = "Cores of an instance, in quarters; its memory is 2 GiB a core."
  type        = number
  default     = 0.5

  validation {
    condition     = var.cpu >= 0.25 && var.cpu <= 2 && floor(var.cpu * 4) == var.cpu * 4
    error_message = "cpu is from 0.25 to 2, in steps of 0.25."
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
  description = "How many days logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.log_days >= 30 && var.log_days <= 730
    error_message = "log_days is from 30 to 730."
  }
}

{% endif %}
variable "old_version_days" {
  description = "How many days old versions are kept. Azure counts from when a file was written; one that is older when it is replaced or deleted can be restored for 30 more days."
  type        = number
  default     = 90
}

variable "delete_data" {
  description = "Whether `destroy` may delete the container with its data. Apply it first, then destroy."
  type        = bool
  default     = false
}
