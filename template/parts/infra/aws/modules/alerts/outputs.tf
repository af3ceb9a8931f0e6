output "topic" {
  description = "Where alarms are sent: more can listen to it."
  value       = aws_sns_topic.alerts.arn
}
