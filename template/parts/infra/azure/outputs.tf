# What the project needs to know: `uv run poe cloud-settings` reads it. The names are the same for every cloud.

output "storage_url" {
  description = "The container: DVC's part of it is dvc/."
  value       = "azure://${module.storage.container}"
}

output "artifacts_url" {
  description = "Where MLflow keeps its artifacts."
  value       = "wasbs://${module.storage.container}@${module.storage.account}.blob.core.windows.net/mlflow"
}

output "storage_account" {
  description = "The account that the container is in."
  value       = module.storage.account
}

output "image" {
  description = "{{ 'Where the image is pushed to: IMAGE of `uv run poe image-push`.' if 'container' in extras else 'Empty: this project makes no image, so it has no registry and no service.' }}"
  value       = {{ 'module.registry.url' if 'container' in extras else '""' }}
}

output "service" {
  description = "The service's name; empty while there is none."
  value       = {{ 'try(module.service[0].service, "")' if 'container' in extras else '""' }}
}

output "region" {
  description = "Where it all is."
  value       = var.region
}

output "endpoint" {
  description = "Where the service answers; empty while there is none."
  value       = {{ 'try(module.service[0].endpoint, "")' if 'container' in extras else '""' }}
}

output "deploy_identity" {
  description = "The client id of the identity that CI becomes."
  value       = {{ '""' if ci == 'none' else 'module.identity.deploy_client_id' }}
}

output "destroy_identity" {
  description = "The client id of the identity that CI becomes to take things down; empty while ci_may_destroy is false."
  value       = {{ 'try(module.destroy[0].client_id, "")' if ci != 'none' and 'container' in extras else '""' }}
}

output "identity_provider" {
  description = "The tenant that trusts CI's tokens."
  value       = data.azurerm_client_config.current.tenant_id
}

output "account" {
  description = "The subscription."
  value       = var.subscription_id
}
