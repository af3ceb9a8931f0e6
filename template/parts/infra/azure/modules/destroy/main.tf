# Who takes things down from CI: another identity than the one that deploys. In this resource group it deletes what storage,
# registry, service and alerts have made, and reads settings. It makes nothing, and cannot delete an identity: so it cannot
# take itself away in the middle, nor give anybody a right.

resource "azurerm_user_assigned_identity" "destroy" {
  name                = "${var.name}-destroy"
  resource_group_name = var.group
  location            = var.region
}

# Issuer, audience and subject must be what the token says, letter by letter.
{% if ci == 'circleci' %}
# Azure makes several of one identity only one after the other: terraform apply -parallelism=1
{% endif %}
resource "azurerm_federated_identity_credential" "ci" {
  for_each = var.trust.subjects

  name                = each.key
  resource_group_name = var.group
  parent_id           = azurerm_user_assigned_identity.destroy.id
  issuer              = var.trust.issuer
  audience            = [var.trust.audience]
  subject             = each.value
}

resource "azurerm_role_assignment" "state" {
  count = var.state_container_id == "" ? 0 : 1

  scope                = var.state_container_id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.destroy.principal_id
  principal_type       = "ServicePrincipal"
}

# A right that somebody has to the container or the registry goes before it. No role that Azure has is as small.
resource "azurerm_role_definition" "destroy" {
  name        = "${var.name}-destroy-${substr(sha1(var.group_id), 0, 8)}" # unique in the tenant, which may have several subscriptions
  scope       = var.group_id
  description = "Takes down what ${var.name} has made, but no identity"

  permissions {
    actions = [
      "*/read",
      "Microsoft.App/containerApps/delete",
      "Microsoft.App/containerApps/listSecrets/action",
      "Microsoft.App/managedEnvironments/delete",
      "Microsoft.Authorization/roleAssignments/delete",
      "Microsoft.ContainerRegistry/registries/delete",
      "Microsoft.ContainerRegistry/registries/tasks/delete",
      "Microsoft.Insights/actionGroups/delete",
      "Microsoft.Insights/metricAlerts/delete",
      "Microsoft.OperationalInsights/workspaces/delete",
      "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
      "Microsoft.Storage/storageAccounts/delete",
      "Microsoft.Storage/storageAccounts/managementPolicies/delete",
    ]
  }

  assignable_scopes = [var.group_id]
}

resource "azurerm_role_assignment" "destroy" {
  scope              = var.group_id
  role_definition_id = azurerm_role_definition.destroy.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.destroy.principal_id
  principal_type     = "ServicePrincipal"
}
