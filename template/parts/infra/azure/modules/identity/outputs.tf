{% if 'container' in extras %}
output "service_identity_id" {
  description = "Who the program is."
  value       = azurerm_user_assigned_identity.service.id
}
{% if ci != 'none' %}

{% endif %}
{% endif %}
{% if ci != 'none' %}
output "deploy_client_id" {
  description = "Who CI is."
  value       = azurerm_user_assigned_identity.deploy.client_id
}
{% endif %}
