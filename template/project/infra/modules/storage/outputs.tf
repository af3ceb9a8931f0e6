{% include "template/parts/infra/" ~ cloud ~ "/modules/storage/outputs.tf" %}
