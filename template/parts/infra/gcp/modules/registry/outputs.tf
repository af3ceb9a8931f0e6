output "url" {
  description = "Registry, repository and image, without a tag."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.this.repository_id}/${var.name}"
}
{% if ci != 'none' %}

output "repository" {
  description = "The repository, for rights."
  value       = google_artifact_registry_repository.this.repository_id
}
{% endif %}
