{% include "template/parts/infra/" ~ cloud ~ "/versions.tf" %}
