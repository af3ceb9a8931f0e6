# {{ project_name }} on Google Cloud: a bucket for data and models, {{ 'a registry for images, the service, and' if 'container' in extras else 'and' }} who may do
# what. modules/ has one folder for each; variables.tf what can be set; outputs.tf what the project needs to know.

{% if ci not in ('none', 'circleci') %}
data "google_project" "current" {
  depends_on = [google_project_service.needed]
}

{% endif %}
locals {
  bucket = "${var.project_id}-${var.name}"
}

# What the project's own interfaces must be switched on for. They stay on when this is taken down.
resource "google_project_service" "needed" {
  for_each = toset([
{% if 'container' in extras %}
    "artifactregistry.googleapis.com",
    "containerscanning.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
{% endif %}
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])

  service            = each.key
  disable_on_destroy = false
}

module "storage" {
  source = "./modules/storage"

  name             = local.bucket
  region           = var.region
  old_version_days = var.old_version_days
  delete_data      = var.delete_data

  depends_on = [google_project_service.needed]
}
{% if 'container' in extras %}

module "registry" {
  source = "./modules/registry"

  name       = var.name
  project_id = var.project_id
  region     = var.region

  depends_on = [google_project_service.needed]
}
{% endif %}
{% if ci != 'none' or 'container' in extras %}

module "identity" {
  source = "./modules/identity"

  name   = var.name
  bucket = module.storage.bucket

{% if ci != 'none' %}
  project_id   = var.project_id
{% if 'container' in extras %}
  region       = var.region
  repository   = module.registry.repository
{% endif %}
  state_bucket = var.state_bucket
  state_prefix = "{{ project_name }}"
  trust        = local.trust
{% if ci == 'github' and 'container' in extras %}

  # The pool lets these in too, and each token into its own account.
  destroy_subject = var.ci_may_destroy ? local.trust_to_destroy.subject : ""
{% endif %}

{% if ci != 'circleci' %}
  # Tokens are made out to the project by its number.
  project_number = data.google_project.current.number

{% endif %}
{% endif %}
  depends_on = [google_project_service.needed]
}
{% endif %}
{% if 'container' in extras %}

{% if ci != 'none' %}
# It is given nothing of what it takes down, which would have to go after it.
module "destroy" {
  source = "./modules/destroy"
  count  = var.ci_may_destroy ? 1 : 0

  name         = var.name
  project_id   = var.project_id
  bucket       = local.bucket
  state_bucket = var.state_bucket
  state_prefix = "{{ project_name }}"
  plan_role    = module.identity.plan_role
  pool         = module.identity.pool
{% if ci == 'github' %}
  subject      = local.trust_to_destroy.subject
{% endif %}

  depends_on = [google_project_service.needed]
}

{% endif %}
# The service and what watches it need an image: there is none before the first `uv run poe image-push`.
module "service" {
  source = "./modules/service"
  count  = var.image == "" ? 0 : 1

  name            = var.name
  project_id      = var.project_id
  region          = var.region
  image           = var.image
  environment     = var.environment
  public          = var.public
  cpu             = var.cpu
  memory          = var.memory
  min_instances   = var.min_instances
  max_instances   = var.max_instances
  log_days        = var.log_days
  service_account = module.identity.service_account
{% if ci != 'none' %}
  deploy_account  = module.identity.deploy_account
{% endif %}

  depends_on = [google_project_service.needed]
}

module "alerts" {
  source = "./modules/alerts"
  count  = var.image == "" ? 0 : 1

  name    = var.name
  service = module.service[0].service
  email   = var.alert_email
}
{% endif %}
