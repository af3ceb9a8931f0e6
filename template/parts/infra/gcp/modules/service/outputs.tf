output "endpoint" {
  description = "Where it answers."
  value       = google_cloud_run_v2_service.this.uri
}

output "service" {
  description = "The service's name."
  value       = google_cloud_run_v2_service.this.name
}
