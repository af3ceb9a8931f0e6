"""What keeps from looking."""

from mlops_kit.ground import KitError


class TooFewRowsError(KitError):
    """Too few rows to say anything."""
