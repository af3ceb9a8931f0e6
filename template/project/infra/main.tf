{% include "template/parts/infra/" ~ cloud ~ "/main.tf" %}
