{% include "template/parts/infra/" ~ cloud ~ "/modules/service/variables.tf" %}
