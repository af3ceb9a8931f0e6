"""TensorFlow: Keras networks, and the SavedModel that TensorFlow Serving runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_kit.frameworks.tensorflow.saving import PLATFORM, decide, decision_of, load_model, save_model, types_of

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
    "types_of",
]

REQUIREMENTS = ("keras", "tensorflow", "tensorflow-cpu")  # one of the last two, by the machine


def fit_in_batches(model: Any, contract: Contract, sample: pd.DataFrame) -> None:
    """See `Framework`."""
    from mlops_kit.frameworks.tensorflow import batches  # pyarrow is not in a service's image

    batches.fit_in_batches(model, contract, sample)
