{% include "template/parts/infra/" ~ cloud ~ "/modules/registry/variables.tf" %}
