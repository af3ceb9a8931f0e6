{% include "template/parts/infra/" ~ cloud ~ "/backend.hcl" %}
