# Which CI is trusted: see ci.tf.
ci_organization = "" # Organization Settings, Overview
ci_project      = "" # Project Settings, Overview
ci_repository   = "" # github.com/owner/name
{% if cloud == 'azure' %}

ci_users = [] # the users whose pushes may deploy
{% endif %}

{% if cloud == 'azure' %}
# The container of backend.hcl, which CI may use too: az storage container-rm show --name state --storage-account ACCOUNT --query id
state_container_id = ""
{% else %}
# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
{% endif %}
