output "url" {
  description = "Registry and repository, without a tag."
  value       = aws_ecr_repository.this.repository_url
}

output "arn" {
  description = "The repository, for policies."
  value       = aws_ecr_repository.this.arn
}
