# Versions, where the state is, and how the provider is set up. Works with Terraform and with OpenTofu.
terraform {
  required_version = ">= 1.10"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
  }

  # The account and container are in backend.hcl: terraform init -backend-config=backend.hcl. Azure encrypts and locks it.
  # https://developer.hashicorp.com/terraform/language/backend/azurerm
  backend "azurerm" {
    key              = "{{ project_name }}/terraform.tfstate"
    use_azuread_auth = true
  }
}

# Who you are comes from your own login (az login) or, in CI, from its token: no key is in any file, and none works.
provider "azurerm" {
  subscription_id     = var.subscription_id
  storage_use_azuread = true

  # Switched on by a person, once (README.md): CI's identity sees one resource group, not the subscription.
  resource_provider_registrations = "none"

  features {}
}
