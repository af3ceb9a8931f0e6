{% include "template/parts/infra/" ~ cloud ~ "/modules/service/network.tf" %}
