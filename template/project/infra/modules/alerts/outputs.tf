{% include "template/parts/infra/" ~ cloud ~ "/modules/alerts/outputs.tf" %}
