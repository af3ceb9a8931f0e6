"""TensorFlow: Keras networks, and the SavedModel that TensorFlow Serving runs."""

from __future__ import annotations

from mlops_kit.frameworks.tensorflow.saving import PLATFORM, decide, decision_of, load_model, save_model, types_of

__all__ = [
    "PLATFORM",
    "REQUIREMENTS",
    "decide",
    "decision_of",
    "load_model",
    "save_model",
    "types_of",
]

REQUIREMENTS = ("keras", "tensorflow", "tensorflow-cpu")  # one of the last two, by the machine
