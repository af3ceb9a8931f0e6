"""What is wrong with a model's files."""

from mlops_kit.ground import KitError


class ModelError(KitError):
    """A model that cannot be written or read: one sentence, and what to do next."""
