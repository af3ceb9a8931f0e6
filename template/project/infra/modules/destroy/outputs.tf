{% include "template/parts/infra/" ~ cloud ~ "/modules/destroy/outputs.tf" %}
