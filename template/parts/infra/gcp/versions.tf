# Versions, where the state is, and how the provider is set up. Works with Terraform and with OpenTofu.
terraform {
  required_version = ">= 1.10"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # The bucket is in backend.hcl: terraform init -backend-config=backend.hcl. Cloud Storage encrypts and locks it.
  # https://developer.hashicorp.com/terraform/language/backend/gcs
  backend "gcs" {
    prefix = "{{ project_name }}"
  }
}

# Who you are comes from your own login (gcloud auth application-default login) or, in CI, from its token: no key is in
# any file.
provider "google" {
  project = var.project_id
  region  = var.region

  default_labels = {
    project    = var.name
    managed_by = "terraform"
  }
}
