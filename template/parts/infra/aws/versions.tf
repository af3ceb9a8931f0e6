# Versions, where the state is, and how the provider is set up. Works with Terraform and with OpenTofu.
terraform {
  required_version = ">= 1.10" # the first that locks the state in S3 itself

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # The bucket and its region are in backend.hcl: terraform init -backend-config=backend.hcl
  # https://developer.hashicorp.com/terraform/language/backend/s3
  backend "s3" {
    key          = "{{ project_name }}/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

# Who you are comes from your own login (aws sso login) or, in CI, from its token: no key is in any file.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project    = var.name
      managed_by = "terraform"
    }
  }
}
