{% if 'container' in extras %}
output "service_role_arn" {
  description = "Who the program is."
  value       = aws_iam_role.service.arn
}

output "execution_role_arn" {
  description = "Who starts it."
  value       = aws_iam_role.execution.arn
}
{% if ci != 'none' %}

{% endif %}
{% endif %}
{% if ci != 'none' %}
output "deploy_role_arn" {
  description = "Who CI is."
  value       = aws_iam_role.deploy.arn
}
{% endif %}
{% if ci != 'none' and 'container' in extras %}

output "provider_arn" {
  description = "What trusts CI's tokens."
  value       = local.provider_arn
}

output "plan_policy" {
  description = "The right to read settings."
  value       = data.aws_iam_policy_document.plan.json
}

output "state_policy" {
  description = "The right to use the state; empty if CI does not use it."
  value       = var.state_bucket == "" ? "" : data.aws_iam_policy_document.state.json
}
{% endif %}
