{% if ci == 'none' %}
# What CI may do would be here: see trust.tf.
{% else %}
# What CI may do: data and models{{ ', push the image, put a new image into the service that is there' if 'container' in extras }}. It cannot make or
# delete anything else, and not change who may do what: a person does that, with their own login.

resource "azurerm_role_assignment" "data" {
  scope                = var.container_id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.deploy.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "state" {
  count = var.state_container_id == "" ? 0 : 1

  scope                = var.state_container_id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.deploy.principal_id
  principal_type       = "ServicePrincipal"
}

{% if 'container' in extras %}
resource "azurerm_role_assignment" "push" {
  scope                = var.registry_id
  role_definition_name = "AcrPush"
  principal_id         = azurerm_user_assigned_identity.deploy.principal_id
  principal_type       = "ServicePrincipal"
}

{% endif %}
# To plan, Terraform reads the settings of what is there{{ '; to deploy, it updates an app, in its environment and as its identity' if 'container' in extras }}.
# No role that Azure has is as small.
resource "azurerm_role_definition" "deploy" {
  name        = "${var.name}-deploy-${substr(sha1(var.group_id), 0, 8)}" # unique in the tenant, which may have several subscriptions
  scope       = var.group_id
  description = "{{ 'Updates the service of' if 'container' in extras else 'Reads the settings of' }} ${var.name}"

  permissions {
    actions = [
      "*/read",
{% if 'container' in extras %}
      "Microsoft.App/containerApps/listSecrets/action",
      "Microsoft.App/containerApps/write",
      "Microsoft.App/managedEnvironments/join/action",
      "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
{% endif %}
    ]
  }

  assignable_scopes = [var.group_id]
}

resource "azurerm_role_assignment" "deploy" {
  scope              = var.group_id
  role_definition_id = azurerm_role_definition.deploy.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.deploy.principal_id
  principal_type     = "ServicePrincipal"
}
{% endif %}
