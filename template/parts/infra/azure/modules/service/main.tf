# The service on Container Apps: answers by https, and goes down to no instance while nobody asks.

locals {
  port = 8000
}

resource "azurerm_log_analytics_workspace" "this" {
  name                = var.name
  resource_group_name = var.group
  location            = var.region
  sku                 = "PerGB2018"
  retention_in_days   = var.log_days
}

resource "azurerm_container_app_environment" "this" {
  name                       = var.name
  resource_group_name        = var.group
  location                   = var.region
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id
}

resource "azurerm_container_app" "this" {
  name                         = var.name
  resource_group_name          = var.group
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [var.service_identity_id]
  }

  registry {
    server   = var.registry
    identity = var.service_identity_id
  }

  # From outside only if somebody has set public; otherwise from apps of the same environment.
  ingress {
    external_enabled           = var.public
    allow_insecure_connections = false
    target_port                = local.port

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas = var.min_instances
    max_replicas = var.max_instances

    http_scale_rule {
      name                = "requests"
      concurrent_requests = "40"
    }

    container {
      name   = "service"
      image  = var.image
      cpu    = var.cpu
      memory = "${var.cpu * 2}Gi"

      # A champion of an MLflow server is fetched to /tmp: an instance can write to its own files.
      # https://learn.microsoft.com/azure/container-apps/storage-mounts
      dynamic "env" {
        for_each = merge(var.environment, { PORT = tostring(local.port) })

        content {
          name  = env.key
          value = env.value
        }
      }

      # A new image that does not become ready gets no requests: the one before goes on.
      startup_probe {
        transport               = "HTTP"
        path                    = "/ready"
        port                    = local.port
        interval_seconds        = 5
        failure_count_threshold = 30
      }

      readiness_probe {
        transport = "HTTP"
        path      = "/ready"
        port      = local.port
      }

      liveness_probe {
        transport = "HTTP"
        path      = "/v2/health/live"
        port      = local.port
      }
    }
  }
}
