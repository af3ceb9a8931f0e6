{% include "template/parts/infra/" ~ cloud ~ "/modules/destroy/main.tf" %}
