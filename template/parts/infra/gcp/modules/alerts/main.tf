# Who is told when the service fails. Incidents are shown in Cloud Monitoring in any case.

resource "google_monitoring_notification_channel" "email" {
  count = var.email == "" ? 0 : 1

  display_name = "${var.name}: who is told"
  type         = "email"
  labels       = { email_address = var.email }
}

resource "google_monitoring_alert_policy" "errors" {
  display_name          = "${var.name}: answers with 5xx"
  combiner              = "OR"
  notification_channels = google_monitoring_notification_channel.email[*].name

  conditions {
    display_name = "Five or more in five minutes"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.service}\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      comparison      = "COMPARISON_GT"
      threshold_value = 4
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
}

# Cloud Run writes it down when an instance does not become ready, or stops being alive.
resource "google_monitoring_alert_policy" "unhealthy" {
  display_name          = "${var.name}: an instance is not ready"
  combiner              = "OR"
  notification_channels = google_monitoring_notification_channel.email[*].name

  conditions {
    display_name = "A probe has failed"

    condition_matched_log {
      filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.service}\" AND log_id(\"run.googleapis.com/varlog/system\") AND textPayload:\"probe failed\""
    }
  }

  alert_strategy {
    auto_close = "3600s"

    notification_rate_limit {
      period = "900s"
    }
  }
}
