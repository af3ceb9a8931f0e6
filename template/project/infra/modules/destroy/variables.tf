{% include "template/parts/infra/" ~ cloud ~ "/modules/destroy/variables.tf" %}
