{% include "template/parts/infra/" ~ cloud ~ "/terraform.tfvars" %}
