"""What is wrong with data or contract."""

from mlops_kit.ground import KitError


class ContractError(KitError):
    """Data or contract that cannot be used: one sentence, and what to do next."""
