{% include "template/parts/features/" ~ ("keras" if framework == "tensorflow" else "sklearn") ~ ".py" %}
