{% if 'container' in extras %}
# Who the service is. It reads the models in the container and pulls its image: no more.

resource "azurerm_user_assigned_identity" "service" {
  name                = "${var.name}-service"
  resource_group_name = var.group
  location            = var.region
}

resource "azurerm_role_assignment" "pull" {
  scope                = var.registry_id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.service.principal_id
  principal_type       = "ServicePrincipal"
}

# https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-examples
resource "azurerm_role_assignment" "models" {
  scope                = var.container_id
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = azurerm_user_assigned_identity.service.principal_id
  principal_type       = "ServicePrincipal"
  condition_version    = "2.0"
  condition            = "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} AND NOT SubOperationMatches{'Blob.List'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'mlflow/*'))"
}
{% else %}
# Who the service is would be here: this project makes no image, so there is none.
{% endif %}
