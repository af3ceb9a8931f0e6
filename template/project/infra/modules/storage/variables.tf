{% include "template/parts/infra/" ~ cloud ~ "/modules/storage/variables.tf" %}
