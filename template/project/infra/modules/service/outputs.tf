{% include "template/parts/infra/" ~ cloud ~ "/modules/service/outputs.tf" %}
