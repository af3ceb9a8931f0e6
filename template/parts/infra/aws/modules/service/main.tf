# The service: instances of the image on Fargate, found by API Gateway, which answers to the outside by https.

resource "aws_cloudwatch_log_group" "service" {
  #checkov:skip=CKV_AWS_158:encrypted by CloudWatch's own key; a key of one's own costs by the month
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_days
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  # Counts instances: the alarm on those that do not run needs it.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "service" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = var.service_role_arn
  execution_role_arn       = var.execution_role_arn
  skip_destroy             = true # a new image is a new revision; the old ones stay, to go back to

  container_definitions = jsonencode([
    {
      name                   = "service"
      image                  = var.image
      essential              = true
      readonlyRootFilesystem = true
      portMappings           = [{ containerPort = local.port, protocol = "tcp" }]
      environment            = [for name, value in merge(var.environment, { PORT = tostring(local.port) }) : { name = name, value = value }]
      # A champion of an MLflow server is fetched to /tmp, which is in memory: a volume would be root's, who the service is not.
      # https://aws.amazon.com/about-aws/whats-new/2026/01/amazon-ecs-tmpfs-mounts-aws-fargate-managed-instances/
      linuxParameters = { tmpfs = [{ containerPath = "/tmp", size = floor(var.memory / 4) }] }
      healthCheck = {
        command     = ["CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.port}/ready')"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.service.name
          awslogs-region        = var.region
          awslogs-stream-prefix = "service"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "this" {
  #checkov:skip=CKV_AWS_333:the address is for pulling the image without a NAT gateway, which costs by the hour; nobody gets in, see network.tf
  name                  = var.name
  cluster               = aws_ecs_cluster.this.id
  task_definition       = aws_ecs_task_definition.service.arn
  launch_type           = "FARGATE"
  desired_count         = var.min_instances
  wait_for_steady_state = true

  # A new image that does not become ready is taken back.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.service[*].id
    security_groups  = [aws_security_group.service.id]
    assign_public_ip = true
  }

  service_registries {
    registry_arn   = aws_service_discovery_service.this.arn
    container_name = "service"
    container_port = local.port
  }

  # From here on scaling says how many there are.
  lifecycle {
    ignore_changes = [desired_count]
  }
}

# How many instances there are: by how busy they are, and none while the service sleeps. An apply wakes it.

resource "aws_appautoscaling_target" "service" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.min_instances
  max_capacity       = var.max_instances
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service.service_namespace
  scalable_dimension = aws_appautoscaling_target.service.scalable_dimension
  resource_id        = aws_appautoscaling_target.service.resource_id

  target_tracking_scaling_policy_configuration {
    target_value = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_scheduled_action" "sleep" {
  count = var.sleep == "" ? 0 : 1

  name               = "sleep"
  schedule           = var.sleep
  service_namespace  = aws_appautoscaling_target.service.service_namespace
  scalable_dimension = aws_appautoscaling_target.service.scalable_dimension
  resource_id        = aws_appautoscaling_target.service.resource_id

  scalable_target_action {
    min_capacity = 0
    max_capacity = 0
  }
}

resource "aws_appautoscaling_scheduled_action" "wake" {
  count = var.wake == "" ? 0 : 1

  name               = "wake"
  schedule           = var.wake
  service_namespace  = aws_appautoscaling_target.service.service_namespace
  scalable_dimension = aws_appautoscaling_target.service.scalable_dimension
  resource_id        = aws_appautoscaling_target.service.resource_id

  scalable_target_action {
    min_capacity = var.min_instances
    max_capacity = var.max_instances
  }
}

# The way in. API Gateway has a certificate and an address of its own, costs by the request, and finds the instances in
# Cloud Map. A request has at most 10 MB and 30 seconds. /metrics is not among the routes: it is not for the outside.

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_vpc_link" "this" {
  name               = var.name
  subnet_ids         = aws_subnet.service[*].id
  security_group_ids = [aws_security_group.gateway.id]
}

resource "aws_apigatewayv2_integration" "service" {
  api_id             = aws_apigatewayv2_api.this.id
  integration_type   = "HTTP_PROXY"
  integration_method = "ANY"
  integration_uri    = aws_service_discovery_service.this.arn
  connection_type    = "VPC_LINK"
  connection_id      = aws_apigatewayv2_vpc_link.this.id
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:AWS_IAM unless somebody has set public
  for_each = toset(["POST /predict", "ANY /v2/{proxy+}", "GET /health", "GET /ready"])

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.service.id}"
  authorization_type = var.public ? "NONE" : "AWS_IAM"
}

resource "aws_cloudwatch_log_group" "gateway" {
  #checkov:skip=CKV_AWS_158:encrypted by CloudWatch's own key; a key of one's own costs by the month
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_days
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  # Nobody makes a bill of any size.
  default_route_settings {
    throttling_rate_limit  = 500
    throttling_burst_limit = 1000
  }

  # Who asked what, and how it went; never what was in it.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.gateway.arn
    format = jsonencode({
      time    = "$context.requestTime"
      ip      = "$context.identity.sourceIp"
      request = "$context.requestId"
      route   = "$context.routeKey"
      status  = "$context.status"
      ms      = "$context.responseLatency"
      error   = "$context.integrationErrorMessage"
    })
  }
}
