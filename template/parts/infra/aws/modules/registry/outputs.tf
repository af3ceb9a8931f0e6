output "url" {
  description = "Registry and repository, without a tag."
  value       = aws_ecr_repository.this.repository_url
}
