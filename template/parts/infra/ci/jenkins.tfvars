# Which CI is trusted: see ci.tf.
ci_issuer = "" # https://jenkins.example.com/oidc
ci_job    = "" # https://jenkins.example.com/job/NAME/job/main/

# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
