# Where the state is: terraform init -backend-config=backend.hcl
# Make the bucket once, by hand, and keep it for as long as there is something to take down:
#
#   aws s3api create-bucket --bucket NAME --region REGION --create-bucket-configuration LocationConstraint=REGION
#   aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled
#
# (In us-east-1 leave --create-bucket-configuration out.) New buckets are private and encrypted.
bucket = ""
region = "us-east-1"
