# Which CI is trusted: see ci.tf.
ci_repository = "" # group/project
# ci_host = "gitlab.example.com"

{% if cloud == 'azure' %}
# The container of backend.hcl, which CI may use too: az storage container-rm show --name state --storage-account ACCOUNT --query id
state_container_id = ""
{% else %}
# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
{% endif %}
