{% include "template/parts/infra/" ~ cloud ~ "/modules/alerts/variables.tf" %}
