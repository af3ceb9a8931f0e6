{% include "template/parts/infra/" ~ cloud ~ "/modules/identity/trust.tf" %}
