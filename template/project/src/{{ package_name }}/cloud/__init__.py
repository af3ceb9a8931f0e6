"""The project in a cloud: where it is (settings), who may (login), what stands there (deploy)."""

from ..workspace import WorkspaceError

CLOUD = "{{ cloud }}"
HAS_SERVICE = {{ 'container' in extras }}  # whether there is an image to deploy


class CloudError(WorkspaceError):
    """A step that failed, in one sentence, with what to do next."""
