# The bucket of data, models and artifacts: private, and what is replaced or deleted can be had back. Cloud Storage
# encrypts all it keeps and speaks nothing but TLS to those who log in.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62:access logs need a second bucket; Cloud Audit Logs have what is done to the bucket
  name                        = var.name
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data

  versioning {
    enabled = true
  }

  # What was replaced or deleted is kept for a while and then goes; so does an upload that was never finished.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.old_version_days
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }
}

# Destroyed before the bucket, so `destroy` stops here unless delete_data was applied, as on the other clouds.
resource "terraform_data" "data_is_kept" {
  input = var.delete_data

  provisioner "local-exec" {
    when    = destroy
    command = self.output ? "echo the data is deleted" : "echo the data is kept: apply delete_data=true first && exit 1"
  }

  depends_on = [google_storage_bucket.this]
}
