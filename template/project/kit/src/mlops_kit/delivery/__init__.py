"""Bringing the service to where it runs: images, manifests, deployment; and the documentation site."""
