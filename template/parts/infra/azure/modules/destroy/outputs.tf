output "client_id" {
  description = "Who CI is when it takes things down."
  value       = azurerm_user_assigned_identity.destroy.client_id
}
