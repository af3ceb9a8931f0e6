"""The model: yours to change. `build` is trained on raw rows; its parameters come from params.yaml."""

from __future__ import annotations

from typing import Any

from sklearn.dummy import DummyClassifier

from .contract import Contract
from .estimator import Classifier
from .tensorflow_quietly import keras


def build(contract: Contract, parameters: dict[str, Any]) -> Classifier:
    """An untrained network from raw rows to predictions: features.py, these layers, a probability for each class."""
    return Classifier(contract, layers, parameters)


def layers(features: keras.KerasTensor, parameters: dict[str, Any]) -> keras.KerasTensor:
    """The hidden layers. Use Keras' own: a network with code of yours in it (Lambda) is refused when it is loaded."""
    hidden = features
    for units in parameters["units"]:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(parameters["dropout"])(hidden)
    return hidden


def baseline() -> DummyClassifier:
    """What a model has to beat: the classes' shares."""
    return DummyClassifier(strategy="prior")
