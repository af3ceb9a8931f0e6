output "policies" {
  description = "What is watched."
  value       = [google_monitoring_alert_policy.errors.name, google_monitoring_alert_policy.unhealthy.name]
}
