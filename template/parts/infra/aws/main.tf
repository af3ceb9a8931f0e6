# {{ project_name }} on AWS: a bucket for data and models, {{ 'a registry for images, the service, and' if 'container' in extras else 'and' }} who may do what.
# modules/ has one folder for each; variables.tf what can be set; outputs.tf what the project needs to know.

data "aws_caller_identity" "current" {}

# Rights are to what has these names: they stay when it is taken down.
locals {
  account = data.aws_caller_identity.current.account_id
  bucket  = "${var.name}-${local.account}-${var.region}"
}

module "storage" {
  source = "./modules/storage"

  name             = local.bucket
  old_version_days = var.old_version_days
  delete_data      = var.delete_data
}
{% if 'container' in extras %}

module "registry" {
  source = "./modules/registry"

  name        = var.name
  delete_data = var.delete_data
}
{% endif %}
{% if ci != 'none' or 'container' in extras %}

module "identity" {
  source = "./modules/identity"

  name       = var.name
  bucket_arn = "arn:aws:s3:::${local.bucket}"
{% if 'container' in extras %}

  repository_arn = "arn:aws:ecr:${var.region}:${local.account}:repository/${var.name}"
{% endif %}
{% if ci != 'none' and 'container' in extras %}
  region         = var.region
  account        = local.account
{% endif %}
{% if ci != 'none' %}

  state_bucket = var.state_bucket
  state_key    = "{{ project_name }}/terraform.tfstate"
  trust        = local.trust
  provider_arn = var.ci_provider_arn
{% endif %}
}
{% endif %}
{% if 'container' in extras %}

{% if ci != 'none' %}
# It is given nothing of what it takes down, which would have to go after it.
module "destroy" {
  source = "./modules/destroy"
  count  = var.ci_may_destroy ? 1 : 0

  name         = var.name
  region       = var.region
  account      = local.account
  bucket       = local.bucket
  plan_policy  = module.identity.plan_policy
  state_policy = module.identity.state_policy
  provider_arn = module.identity.provider_arn
  trust        = local.trust_to_destroy
}

{% endif %}
# The service and what watches it need an image: there is none before the first `uv run poe image-push`.
module "service" {
  source = "./modules/service"
  count  = var.image == "" ? 0 : 1

  name               = var.name
  region             = var.region
  image              = var.image
  environment        = var.environment
  public             = var.public
  cpu                = var.cpu
  memory             = var.memory
  min_instances      = var.min_instances
  max_instances      = var.max_instances
  sleep              = var.sleep
  wake               = var.wake
  log_days           = var.log_days
  service_role_arn   = module.identity.service_role_arn
  execution_role_arn = module.identity.execution_role_arn
}

module "alerts" {
  source = "./modules/alerts"
  count  = var.image == "" ? 0 : 1

  name    = var.name
  api_id  = module.service[0].api_id
  cluster = module.service[0].cluster
  service = module.service[0].service
  email   = var.alert_email
}
{% endif %}
