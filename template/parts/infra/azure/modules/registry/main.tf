# The registry of the service's images. Nobody has a password: people and CI log in by Entra ID. Images are scanned where
# the subscription has Defender for Containers. `uv run poe image-push` pushes a version once.

resource "azurerm_container_registry" "this" {
  #checkov:skip=CKV_AZURE_139:laptops and CI's runners push from the internet; Entra ID says who may
  #checkov:skip=CKV_AZURE_164:signed tags are for Premium, and Docker's content trust is being retired
  #checkov:skip=CKV_AZURE_165:copies in other regions are for Premium; the service is in one region
  #checkov:skip=CKV_AZURE_166:quarantine is for Premium and needs a scanner that lets images out
  #checkov:skip=CKV_AZURE_167:the setting is for Premium; the task below does it
  #checkov:skip=CKV_AZURE_233:several zones are for Premium; an image that is lost is built again
  #checkov:skip=CKV_AZURE_237:data endpoints of one's own are for Premium
  name                   = var.name
  resource_group_name    = var.group
  location               = var.region
  sku                    = "Standard"
  admin_enabled          = false
  anonymous_pull_enabled = false
}

# Once a week: what has no tag goes, and of what is older than 30 days all but the last 50.
resource "azurerm_container_registry_task" "cleanup" {
  name                  = "cleanup"
  container_registry_id = azurerm_container_registry.this.id

  platform {
    os = "Linux"
  }

  encoded_step {
    task_content = base64encode(yamlencode({
      version = "v1.1.0"
      steps   = [{ cmd = "acr purge --filter '${var.image}:.*' --ago 30d --keep 50 --untagged", timeout = 3600 }]
    }))
  }

  timer_trigger {
    name     = "weekly"
    schedule = "0 3 * * Sun"
  }
}
