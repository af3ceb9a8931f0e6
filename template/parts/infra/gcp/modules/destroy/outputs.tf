output "account" {
  description = "Who CI is when it takes things down."
  value       = google_service_account.destroy.email
}
