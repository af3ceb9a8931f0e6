"""LightGBM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_kit.frameworks.sklearn.deciding import decide, decision_of
from mlops_kit.frameworks.sklearn.saving import PLATFORM, load_model, save_model, trusted_types, types_of

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

__all__ = [
    "PLATFORM",
    "REQUIREMENTS",
    "decide",
    "decision_of",
    "fit_in_batches",
    "load_model",
    "save_model",
    "trusted_types",
    "types_of",
]

REQUIREMENTS = ("lightgbm", "skops")


def fit_in_batches(model: Any, contract: Contract, sample: pd.DataFrame) -> None:
    """See `Framework`."""
    from mlops_kit.frameworks.lightgbm import batches  # pyarrow is not in a service's image

    batches.fit_in_batches(model, contract, sample)
