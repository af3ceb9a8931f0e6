{% if ci == 'none' %}
# No CI was chosen, so none is trusted: people deploy, with their own login.
{% else %}
# CI signs each job's token; Azure lets whoever shows a token of main be the deploy identity for an hour. No secret is
# made. https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity
# ci.tf says who issues the tokens and what they say.

resource "azurerm_user_assigned_identity" "deploy" {
  name                = "${var.name}-deploy"
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
  parent_id           = azurerm_user_assigned_identity.deploy.id
  issuer              = var.trust.issuer
  audience            = [var.trust.audience]
  subject             = each.value
}
{% endif %}
