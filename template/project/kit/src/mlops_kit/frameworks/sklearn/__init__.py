"""scikit-learn."""

from __future__ import annotations

from mlops_kit.frameworks.sklearn.deciding import decide, decision_of
from mlops_kit.frameworks.sklearn.saving import PLATFORM, load_model, save_model, trusted_types, types_of

__all__ = [
    "PLATFORM",
    "REQUIREMENTS",
    "decide",
    "decision_of",
    "load_model",
    "save_model",
    "trusted_types",
    "types_of",
]

REQUIREMENTS = ("skops",)
