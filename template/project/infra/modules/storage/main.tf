{% include "template/parts/infra/" ~ cloud ~ "/modules/storage/main.tf" %}
