# Who is told when the service fails. Alerts are shown in Azure Monitor in any case.

resource "azurerm_monitor_action_group" "this" {
  name                = "${var.name}-alerts"
  resource_group_name = var.group
  short_name          = substr(var.name, 0, 12)

  dynamic "email_receiver" {
    for_each = var.email == "" ? [] : [var.email]

    content {
      name          = "email"
      email_address = email_receiver.value
    }
  }
}

resource "azurerm_monitor_metric_alert" "errors" {
  name                = "${var.name}-5xx"
  resource_group_name = var.group
  scopes              = [var.service_id]
  description         = "Five or more answers with 5xx in five minutes"
  window_size         = "PT5M"
  frequency           = "PT1M"

  criteria {
    metric_namespace = "Microsoft.App/containerApps"
    metric_name      = "Requests"
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 4

    dimension {
      name     = "statusCodeCategory"
      operator = "Include"
      values   = ["5xx"]
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.this.id
  }
}

# An instance that is not alive, or does not become ready, is started again.
resource "azurerm_monitor_metric_alert" "unhealthy" {
  name                = "${var.name}-unhealthy"
  resource_group_name = var.group
  scopes              = [var.service_id]
  description         = "An instance was started again more than twice"
  window_size         = "PT15M"
  frequency           = "PT5M"

  criteria {
    metric_namespace = "Microsoft.App/containerApps"
    metric_name      = "RestartCount"
    aggregation      = "Maximum"
    operator         = "GreaterThan"
    threshold        = 2
  }

  action {
    action_group_id = azurerm_monitor_action_group.this.id
  }
}
