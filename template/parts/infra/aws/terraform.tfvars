# This project's settings. They are no secrets: commit them. variables.tf says what each one is.
region = "us-east-1"

{% include "template/parts/infra/ci/" ~ ci ~ ".tfvars" %}
{% if ci != 'none' %}
# ci_provider_arn = "" # where another project of this account already uses this CI: see README.md
{% endif %}
{% if 'container' in extras %}

# alert_email = "team@example.com"
# environment = { MLFLOW_TRACKING_URI = "https://mlflow.example.com" }
{% endif %}
