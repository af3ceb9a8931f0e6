# {{ project_name }} on AWS: a bucket for data and models, a registry for images, the service, and who may do what.
# modules/ has one folder for each; variables.tf what can be set; outputs.tf what the project needs to know.

data "aws_caller_identity" "current" {}

module "storage" {
  source = "./modules/storage"

  name             = "${var.name}-${data.aws_caller_identity.current.account_id}-${var.region}"
  old_version_days = var.old_version_days
  delete_data      = var.delete_data
}

module "registry" {
  source = "./modules/registry"

  name        = var.name
  delete_data = var.delete_data
}

module "identity" {
  source = "./modules/identity"

  name           = var.name
  bucket_arn     = module.storage.arn
  repository_arn = module.registry.arn
{% if ci != 'none' %}
  region         = var.region
  account        = data.aws_caller_identity.current.account_id
  state_bucket   = var.state_bucket
  state_key      = "{{ project_name }}/terraform.tfstate"
  trust          = local.trust
{% endif %}
}

# The service and what watches it need an image: there is none before the first `uv run poe image-push`.
module "service" {
  source = "./modules/service"
  count  = var.image == "" ? 0 : 1

  name               = var.name
  region             = var.region
  image              = var.image
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
