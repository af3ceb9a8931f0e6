{% include "template/parts/infra/ci/" ~ ci ~ ".tf" %}
