{% include "template/parts/serving/" ~ serving ~ "/endpoints.py" %}
