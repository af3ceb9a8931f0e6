{% include "template/parts/infra/" ~ cloud ~ "/modules/identity/outputs.tf" %}
