# Who takes things down from CI: another account than the one that deploys. It deletes what storage, registry, service and
# alerts have made, and reads settings. It makes nothing, and has no right to any account, role or pool: so it cannot take
# itself away in the middle.

resource "google_service_account" "destroy" {
  account_id   = "${var.name}-destroy"
  display_name = "What CI's stage destroy may do for ${var.name}"
}

{% if ci != 'github' %}
# A token names main and not the job: whatever runs there may take things down, once ci_may_destroy is set.
{% endif %}
resource "google_service_account_iam_member" "ci" {
  service_account_id = google_service_account.destroy.name
  role               = "roles/iam.workloadIdentityUser"
{% if ci == 'github' %}
  member             = "principal://iam.googleapis.com/${var.pool}/subject/${var.subject}"
{% else %}
  member             = "principalSet://iam.googleapis.com/${var.pool}/*"
{% endif %}
}

resource "google_project_iam_member" "plan" {
  project = var.project_id
  role    = var.plan_role
  member  = google_service_account.destroy.member
}

resource "google_storage_bucket_iam_member" "state" {
  count = var.state_bucket == "" ? 0 : 1

  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.destroy.member

  condition {
    title      = "state"
    expression = "resource.type == \"storage.googleapis.com/Bucket\" || resource.name.startsWith(\"projects/_/buckets/${var.state_bucket}/objects/${var.state_prefix}/\")"
  }
}

# These permissions cover every service, repository and alert of the Google Cloud project. They cannot be narrowed:
# - Cloud Run and Artifact Registry do not evaluate a resource's name in a condition:
#   https://cloud.google.com/iam/docs/conditions-resource-attributes
# - A grant on the service itself, or a tag to tell it by, is destroyed before the service, and with it the permission.
# Deleting an IAM member is a setIamPolicy, and the members of a service and a repository are deleted before them. So this
# account could also make any other service of the project public: give each repository a project of its own.
resource "google_project_iam_custom_role" "destroy" {
  role_id     = "${replace(var.name, "-", "_")}_destroy"
  title       = "Taking down ${var.name}"
  description = "Deletes the service, its log and alerts, and the images"
  permissions = [
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.setIamPolicy",
    "logging.buckets.delete",
    "logging.sinks.delete",
    "monitoring.alertPolicies.delete",
    "monitoring.notificationChannels.delete",
    "run.services.delete",
    "run.services.get",
    "run.services.getIamPolicy",
    "run.services.setIamPolicy",
  ]
}

resource "google_project_iam_member" "destroy" {
  project = var.project_id
  role    = google_project_iam_custom_role.destroy.name
  member  = google_service_account.destroy.member
}

# Terraform asks for the files only where delete_data was applied.
resource "google_project_iam_custom_role" "destroy_data" {
  role_id     = "${replace(var.name, "-", "_")}_destroy_data"
  title       = "Taking down the bucket of ${var.name}"
  description = "Deletes one bucket"
  permissions = [
    "storage.anywhereCaches.list",
    "storage.buckets.delete",
    "storage.buckets.setIamPolicy",
    "storage.objects.delete",
    "storage.objects.list",
  ]
}

resource "google_project_iam_member" "destroy_data" {
  project = var.project_id
  role    = google_project_iam_custom_role.destroy_data.name
  member  = google_service_account.destroy.member

  condition {
    title      = "bucket"
    expression = "resource.name == \"projects/_/buckets/${var.bucket}\" || resource.name.startsWith(\"projects/_/buckets/${var.bucket}/\")"
  }
}
