{% include "template/parts/infra/" ~ cloud ~ "/modules/registry/main.tf" %}
