{% include "template/parts/cloud/" ~ cloud ~ ".py" %}
