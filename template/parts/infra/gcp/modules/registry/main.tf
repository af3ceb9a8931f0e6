# The registry of the service's images. Each is scanned when it is pushed (containerscanning.googleapis.com). Tags could
# move: where they cannot, no image that has one can be cleaned up. `uv run poe image-push` pushes a version once.

resource "google_artifact_registry_repository" "this" {
  #checkov:skip=CKV_GCP_84:encrypted by Google's own key; a key of one's own costs by the month
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of ${var.name}"

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  # What is kept wins over what is deleted: the last 50 images stay, enough to go back to.
  cleanup_policies {
    id     = "keep-the-last"
    action = "KEEP"

    most_recent_versions {
      keep_count = 50
    }
  }

  cleanup_policies {
    id     = "delete-the-old"
    action = "DELETE"

    condition {
      older_than = "30d"
    }
  }
}
