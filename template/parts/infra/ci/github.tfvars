# Which CI is trusted: see ci.tf.
ci_repository = "" # owner@OWNER_ID/name@ID, or owner/name for a repository from before June 2026: see ci.tf

# The bucket of backend.hcl, which CI may use too.
state_bucket = ""
