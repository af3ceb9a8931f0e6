{% include "template/parts/model/" ~ framework ~ "_" ~ problem ~ ".py" %}
