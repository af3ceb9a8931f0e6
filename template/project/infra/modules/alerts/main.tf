{% include "template/parts/infra/" ~ cloud ~ "/modules/alerts/main.tf" %}
