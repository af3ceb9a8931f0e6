{% if ci == 'none' %}
# What CI may do would be here: see trust.tf.
{% else %}
# What CI may do: data and models{{ ', push the image, put a new image into the service that is there (modules/service has that right)' if 'container' in extras }}.
# It cannot make or delete anything else, and not change who may do what: a person does that, with their own login.

resource "google_storage_bucket_iam_member" "data" {
  bucket = var.bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.deploy.member
}

resource "google_storage_bucket_iam_member" "state" {
  count = var.state_bucket == "" ? 0 : 1

  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.deploy.member

  condition {
    title      = "state"
    expression = "resource.type == \"storage.googleapis.com/Bucket\" || resource.name.startsWith(\"projects/_/buckets/${var.state_bucket}/objects/${var.state_prefix}/\")"
  }
}

{% if 'container' in extras %}
resource "google_artifact_registry_repository_iam_member" "push" {
  repository = var.repository
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deploy.member
}

# A new revision runs as the service's account.
resource "google_service_account_iam_member" "act_as_service" {
  service_account_id = google_service_account.service.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

{% endif %}
# To plan, Terraform reads what is there: settings, never data.
resource "google_project_iam_custom_role" "plan" {
  role_id     = "${replace(var.name, "-", "_")}_plan"
  title       = "Plan of ${var.name}"
  description = "Reads settings, never data"
  permissions = [
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.getIamPolicy",
    "iam.roles.get",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPools.get",
    "logging.buckets.get",
    "logging.sinks.get",
    "monitoring.alertPolicies.get",
    "monitoring.notificationChannels.get",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "run.operations.get",
    "serviceusage.services.get",
    "serviceusage.services.list",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
  ]
}

resource "google_project_iam_member" "plan" {
  project = var.project_id
  role    = google_project_iam_custom_role.plan.name
  member  = google_service_account.deploy.member
}
{% endif %}
