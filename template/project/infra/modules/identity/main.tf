{% include "template/parts/infra/" ~ cloud ~ "/modules/identity/main.tf" %}
