# What the project needs to know: `uv run poe cloud-settings` reads it. The names are the same for every cloud.

output "storage_url" {
  description = "The bucket: DVC's part of it is dvc/."
  value       = "s3://${module.storage.bucket}"
}

output "artifacts_url" {
  description = "Where MLflow keeps its artifacts."
  value       = "s3://${module.storage.bucket}/mlflow"
}

output "storage_account" {
  description = "Only Azure has one."
  value       = ""
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
  description = "The role that CI takes."
  value       = {{ '""' if ci == 'none' else 'module.identity.deploy_role_arn' }}
}

output "destroy_identity" {
  description = "The role that CI takes to take things down; empty while ci_may_destroy is false."
  value       = {{ 'try(module.destroy[0].role_arn, "")' if ci != 'none' and 'container' in extras else '""' }}
}

output "identity_provider" {
  description = "Google Cloud and Azure need more than the identity; AWS does not."
  value       = ""
}

output "account" {
  description = "The AWS account."
  value       = local.account
}
