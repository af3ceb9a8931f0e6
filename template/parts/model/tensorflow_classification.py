"""The model: yours to change. `build` is trained on raw rows; its parameters come from params.yaml.

For metrics of your own add SCORERS, a dict of names and scorers: a function of model, rows and labels whose result is
better when greater, such as `make_scorer(...)` of scikit-learn. Then name them under `evaluate` in params.yaml.
"""

from __future__ import annotations

from typing import Any

from mlops_kit.contract import Contract
from mlops_kit.frameworks.tensorflow.estimator import Classifier
from mlops_kit.frameworks.tensorflow.quietly import keras
from sklearn.dummy import DummyClassifier


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
