# {{ project_name }} on Azure: a container for data and models, {{ 'a registry for images, the service, and' if 'container' in extras else 'and' }} who may do what.
# modules/ has one folder for each; variables.tf what can be set; outputs.tf what the project needs to know.

data "azurerm_client_config" "current" {}

# Names of accounts and registries are the whole world's, and have neither hyphens nor capitals.
locals {
  unique = "${replace(var.name, "-", "")}${substr(sha1("${var.subscription_id}/${var.name}"), 0, 4)}"
}

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.region
}

module "storage" {
  source = "./modules/storage"

  name             = local.unique
  group            = azurerm_resource_group.this.name
  region           = var.region
  people           = var.people
  old_version_days = var.old_version_days
  delete_data      = var.delete_data
}
{% if 'container' in extras %}

module "registry" {
  source = "./modules/registry"

  name   = local.unique
  image  = var.name
  group  = azurerm_resource_group.this.name
  region = var.region
}
{% endif %}
{% if ci != 'none' or 'container' in extras %}

module "identity" {
  source = "./modules/identity"

  name         = var.name
  group        = azurerm_resource_group.this.name
  region       = var.region
  container_id = module.storage.container_id
{% if 'container' in extras %}
  registry_id  = module.registry.id
{% endif %}
{% if ci != 'none' %}

  group_id           = azurerm_resource_group.this.id
  state_container_id = var.state_container_id
  trust              = local.trust
{% endif %}
}
{% endif %}
{% if 'container' in extras %}

{% if ci != 'none' %}
# It is given nothing of what it takes down, which would have to go after it.
module "destroy" {
  source = "./modules/destroy"
  count  = var.ci_may_destroy ? 1 : 0

  name               = var.name
  group              = azurerm_resource_group.this.name
  group_id           = azurerm_resource_group.this.id
  region             = var.region
  state_container_id = var.state_container_id
  trust              = local.trust_to_destroy
}

{% endif %}
# The service and what watches it need an image: there is none before the first `uv run poe image-push`.
module "service" {
  source = "./modules/service"
  count  = var.image == "" ? 0 : 1

  name                = var.name
  group               = azurerm_resource_group.this.name
  region              = var.region
  image               = var.image
  environment         = var.environment
  registry            = module.registry.server
  public              = var.public
  cpu                 = var.cpu
  min_instances       = var.min_instances
  max_instances       = var.max_instances
  log_days            = var.log_days
  service_identity_id = module.identity.service_identity_id

  # The right to pull comes before the pull.
  depends_on = [module.identity]
}

module "alerts" {
  source = "./modules/alerts"
  count  = var.image == "" ? 0 : 1

  name       = var.name
  group      = azurerm_resource_group.this.name
  service_id = module.service[0].id
  email      = var.alert_email
}
{% endif %}
