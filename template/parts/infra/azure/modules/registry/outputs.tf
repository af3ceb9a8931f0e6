output "url" {
  description = "Registry and image, without a tag."
  value       = "${azurerm_container_registry.this.login_server}/${var.image}"
}

output "server" {
  description = "The registry."
  value       = azurerm_container_registry.this.login_server
}

output "id" {
  description = "The registry, for rights."
  value       = azurerm_container_registry.this.id
}
