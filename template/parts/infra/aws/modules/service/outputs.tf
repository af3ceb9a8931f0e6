output "endpoint" {
  description = "Where it answers."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "service" {
  description = "The service's name."
  value       = aws_ecs_service.this.name
}

output "cluster" {
  description = "The cluster that it runs in."
  value       = aws_ecs_cluster.this.name
}

output "api_id" {
  description = "Its API, for metrics."
  value       = aws_apigatewayv2_api.this.id
}
