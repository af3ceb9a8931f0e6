{% include "template/parts/infra/" ~ cloud ~ "/modules/registry/outputs.tf" %}
