{% include "template/parts/infra/" ~ cloud ~ "/variables.tf" %}
