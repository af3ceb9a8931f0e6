"""The project in a cloud: where it is (settings), who may (login), what stands there (deploy)."""

CLOUD = "{{ cloud }}"


class CloudError(Exception):
    """A step that failed, in one sentence, with what to do next."""
