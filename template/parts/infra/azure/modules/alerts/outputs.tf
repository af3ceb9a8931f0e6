output "group" {
  description = "Who is told: more can be added to it."
  value       = azurerm_monitor_action_group.this.id
}
