output "account" {
  description = "The account's name."
  value       = azurerm_storage_account.this.name
}

output "container" {
  description = "The container's name."
  value       = azurerm_storage_container.data.name
}

output "container_id" {
  description = "The container, for rights."
  value       = azurerm_storage_container.data.id
}
