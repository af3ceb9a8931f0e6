{% include "template/parts/infra/" ~ cloud ~ "/modules/service/main.tf" %}
