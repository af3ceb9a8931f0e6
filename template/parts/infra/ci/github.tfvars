# Which CI is trusted: see ci.tf.
ci_repository = "" # owner@OWNER_ID/name@ID, or owner/name for a repository from before the middle of 2026: see ci.tf

{% if cloud == 'azure' %}
# The container of backend.hcl, which CI may use too: az storage container-rm show --name state --storage-account ACCOUNT --query id
state_container_id = ""
{% else %}
# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
{% endif %}
