{% include "template/parts/infra/" ~ cloud ~ "/modules/identity/variables.tf" %}
