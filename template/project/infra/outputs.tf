{% include "template/parts/infra/" ~ cloud ~ "/outputs.tf" %}
