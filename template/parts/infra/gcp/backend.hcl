# Where the state is: terraform init -backend-config=backend.hcl
# Make the bucket once, by hand, and keep it for as long as there is something to take down:
#
#   gcloud storage buckets create gs://NAME --location=REGION --uniform-bucket-level-access --public-access-prevention
#   gcloud storage buckets update gs://NAME --versioning
bucket = ""
