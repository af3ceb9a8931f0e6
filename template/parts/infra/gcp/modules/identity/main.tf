{% if 'container' in extras %}
# Who the service is. It reads the models in the bucket: no more. Its image is pulled by Cloud Run itself.

resource "google_service_account" "service" {
  account_id   = "${var.name}-service"
  display_name = "The service of ${var.name}"
}

resource "google_storage_bucket_iam_member" "service" {
  bucket = var.bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.service.member

  condition {
    title      = "models"
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.bucket}/objects/mlflow/\")"
  }
}
{% else %}
# Who the service is would be here: this project makes no image, so there is none.
{% endif %}
