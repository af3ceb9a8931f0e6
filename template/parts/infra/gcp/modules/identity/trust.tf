{% if ci == 'none' %}
# No CI was chosen, so none is trusted: people deploy, with their own login.
{% else %}
# CI signs each job's token; Google Cloud lets whoever shows a token of main be the deploy account for an hour. No key
# is made. https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
# ci.tf says who issues the tokens and what they say.

locals {
  pool     = startswith(var.name, "gcp-") ? "ci-${var.name}" : "${var.name}-ci" # gcp- is reserved
  provider = "{{ ci }}"

{% if ci == 'circleci' %}
  # Its tokens are made out to the organization. They name the user who pushed, whoever that is; all else must be as it is
  # written. A subject of Google Cloud has at most 127 characters, and CircleCI's have more: the project stands for it.
  audience  = var.trust.audience
  about     = replace(replace(var.trust.subject, ".", "[.]"), "?", "[0-9a-f]")
  condition = "assertion.sub.matches(\"^${local.about}$\")"
  subject   = "assertion['oidc.circleci.com/project-id']"
{% else %}
  audience  = "https://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${local.pool}/providers/${local.provider}"
{% if ci == 'github' and 'container' in extras %}
  condition = "assertion.sub in ${jsonencode(compact([var.trust.subject, var.destroy_subject]))}"
{% else %}
  condition = "assertion.sub == \"${var.trust.subject}\""
{% endif %}
  subject   = "assertion.sub"
{% endif %}
}

resource "google_iam_workload_identity_pool" "ci" {
  workload_identity_pool_id = local.pool
  description               = "Jobs of CI for main: this pool has one provider and gets no other"
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  #checkov:skip=CKV_GCP_125:it cannot see through local.condition, which names the repository and main: see ci.tf
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = local.provider
  attribute_mapping                  = { "google.subject" = local.subject }
  attribute_condition                = local.condition

  oidc {
    issuer_uri        = var.trust.issuer
    allowed_audiences = [local.audience]
  }
}

resource "google_service_account" "deploy" {
  account_id   = "${var.name}-deploy"
  display_name = "What CI may do for ${var.name}, from main alone"
}

{% if ci == 'github' %}
# The provider lets in a job that takes things down as well, if ci_may_destroy is set: that one is somebody else.
{% else %}
# Whoever the provider lets in: its condition has let in main alone.
{% endif %}
resource "google_service_account_iam_member" "ci" {
  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.workloadIdentityUser"
{% if ci == 'github' %}
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/subject/${var.trust.subject}"
{% else %}
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/*"
{% endif %}
}
{% endif %}
