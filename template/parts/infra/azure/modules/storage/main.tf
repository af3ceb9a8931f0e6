# The container of data, models and artifacts: private, encrypted, and what is replaced or deleted can be had back. There
# are no keys: who may do what is said by Entra ID alone.

resource "azurerm_storage_account" "this" {
  #checkov:skip=CKV_AZURE_206:copies within the region; a copy in a second one doubles the cost, and data can be made again
  #checkov:skip=CKV_AZURE_59:laptops and CI's runners come from the internet; Entra ID says who may, and no key works
  #checkov:skip=CKV2_AZURE_33:a private endpoint costs by the hour and shuts laptops and CI's runners out
  #checkov:skip=CKV_AZURE_43:it cannot work out the name, which has at most 24 small letters and digits: see ../../main.tf
  #checkov:skip=CKV_AZURE_33:no queue is used, so none is logged
  #checkov:skip=CKV2_AZURE_1:encrypted twice by Azure's own keys; a key of one's own needs a vault that costs by the month
  name                              = var.name
  resource_group_name               = var.group
  location                          = var.region
  account_tier                      = "Standard"
  account_replication_type          = "LRS"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  allow_nested_items_to_be_public   = false
  cross_tenant_replication_enabled  = false
  local_user_enabled                = false
  infrastructure_encryption_enabled = true

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }
}

resource "azurerm_storage_container" "data" {
  #checkov:skip=CKV2_AZURE_21:a log of every read costs by the gigabyte; Azure's activity log has what is done to the account
  name                  = "data"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

# Deletes old versions. Azure knows only when a version was written, not when it was replaced; what this deletes can be
# restored for the days of delete_retention_policy above.
resource "azurerm_storage_management_policy" "this" {
  storage_account_id = azurerm_storage_account.this.id

  rule {
    name    = "old-versions"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = var.old_version_days
      }

      snapshot {
        delete_after_days_since_creation_greater_than = var.old_version_days
      }
    }
  }
}

resource "azurerm_role_assignment" "people" {
  for_each = var.people

  scope                = azurerm_storage_container.data.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.key
}

# Azure deletes a container with everything in it. This is destroyed before all of the above, so `destroy` stops here with
# access and clean-up rules still in place, unless delete_data was applied.
resource "terraform_data" "data_is_kept" {
  input = var.delete_data

  provisioner "local-exec" {
    when    = destroy
    command = self.output ? "echo the data is deleted" : "echo the data is kept: apply delete_data=true first && exit 1"
  }

  depends_on = [
    azurerm_role_assignment.people,
    azurerm_storage_container.data,
    azurerm_storage_management_policy.this,
  ]
}
