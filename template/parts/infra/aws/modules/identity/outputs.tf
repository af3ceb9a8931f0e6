output "service_role_arn" {
  description = "Who the program is."
  value       = aws_iam_role.service.arn
}

output "execution_role_arn" {
  description = "Who starts it."
  value       = aws_iam_role.execution.arn
}
{% if ci != 'none' %}

output "deploy_role_arn" {
  description = "Who CI is."
  value       = aws_iam_role.deploy.arn
}
{% endif %}
