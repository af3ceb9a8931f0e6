{% if 'container' in extras %}
output "service_account" {
  description = "Who the program is."
  value       = google_service_account.service.email
}
{% if ci != 'none' %}

{% endif %}
{% endif %}
{% if ci != 'none' %}
output "deploy_account" {
  description = "Who CI is."
  value       = google_service_account.deploy.email
}

output "identity_provider" {
  description = "Who trusts CI's tokens."
  value       = google_iam_workload_identity_pool_provider.ci.name
}
{% endif %}
{% if ci != 'none' and 'container' in extras %}

output "pool" {
  description = "Those whose tokens the provider has taken."
  value       = google_iam_workload_identity_pool.ci.name
}

output "plan_role" {
  description = "The right to read settings."
  value       = google_project_iam_custom_role.plan.name
}
{% endif %}
