{% include "template/parts/infra/" ~ cloud ~ "/modules/identity/deploy.tf" %}
