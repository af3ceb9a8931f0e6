"""What the registry refuses."""

from mlops_kit.ground import KitError


class RegistryError(KitError):
    """A move that is refused: one sentence."""
