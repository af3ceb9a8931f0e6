output "endpoint" {
  description = "Where it answers."
  value       = "https://${azurerm_container_app.this.ingress[0].fqdn}"
}

output "service" {
  description = "The service's name."
  value       = azurerm_container_app.this.name
}

output "id" {
  description = "The service, for alerts."
  value       = azurerm_container_app.this.id
}
