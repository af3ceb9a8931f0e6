output "role_arn" {
  description = "Who CI is when it takes things down."
  value       = aws_iam_role.destroy.arn
}
