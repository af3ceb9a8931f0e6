# The registry of the service's images: each is scanned, and a tag means one image for ever.

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:encrypted with AES-256 by a key of ECR; a key of one's own costs by the month
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.delete_data

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Images without a tag go after a week"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The last 50 images stay: enough to go back to"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
        action       = { type = "expire" }
      },
    ]
  })
}
