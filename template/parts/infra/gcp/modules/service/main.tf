# The service on Cloud Run: answers to the outside by https, and goes down to no instance while nobody asks.

locals {
  port = 8000
}

resource "google_cloud_run_v2_service" "this" {
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = false # nothing is kept in it

  template {
    service_account                  = var.service_account
    max_instance_request_concurrency = 40
    timeout                          = "60s"

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image = var.image

      # Cloud Run tells the program by PORT.
      ports {
        container_port = local.port
      }

      # A champion of an MLflow server is fetched to /tmp: all files that an instance writes are in its memory.
      # https://cloud.google.com/run/docs/container-contract#filesystem
      dynamic "env" {
        for_each = var.environment

        content {
          name  = env.key
          value = env.value
        }
      }

      resources {
        limits            = { cpu = tostring(var.cpu), memory = "${var.memory}Mi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      # A new image that does not become ready gets no requests: the one before goes on.
      startup_probe {
        period_seconds    = 3
        timeout_seconds   = 3
        failure_threshold = 40

        http_get {
          path = "/ready"
          port = local.port
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3

        http_get {
          path = "/v2/health/live"
          port = local.port
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }
}

# Anybody may ask it, if somebody has set public. Otherwise callers show an identity token and have run.invoker.
resource "google_cloud_run_v2_service_iam_member" "public" {
  count = var.public ? 1 : 0

  name     = google_cloud_run_v2_service.this.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}
{% if ci != 'none' %}

# CI puts a new image into this service, and into no other.
resource "google_cloud_run_v2_service_iam_member" "deploy" {
  name     = google_cloud_run_v2_service.this.name
  location = var.region
  role     = "roles/run.developer"
  member   = "serviceAccount:${var.deploy_account}"
}
{% endif %}

# Its log, kept for as long as it was said. (A bucket of logs that is deleted keeps its name for a week.)
resource "google_logging_project_bucket_config" "service" {
  project        = var.project_id
  location       = var.region
  bucket_id      = var.name
  retention_days = var.log_days
  description    = "The log of the service ${var.name}"
}

resource "google_logging_project_sink" "service" {
  name                   = var.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.service.id}"
  filter                 = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}\""
  unique_writer_identity = true
}
