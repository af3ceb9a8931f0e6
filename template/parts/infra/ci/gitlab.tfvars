# Which CI is trusted: see ci.tf.
ci_repository = "" # group/project
# ci_host = "gitlab.example.com"

# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
