"""A Keras network as an estimator, in scikit-learn's vocabulary: fit, predict, predict_proba, classes_.

Typed rows go in, as `Contract.coerce` gives them; what is made of them is inside the network (features.py), so the
network that is saved is the whole model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from mlops_kit.contract import Contract
from mlops_kit.frameworks.decision import Decision
from mlops_kit.frameworks.tensorflow.features import tensors
from mlops_kit.frameworks.tensorflow.quietly import keras
from mlops_kit.frameworks.tensorflow.quietly import tensorflow as tf
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Classifier", "Regressor"]

VALIDATED = 0.15  # the share of the training rows that tells when to stop
FEWEST_VALIDATED = 20
# From the features to what the last layer answers from.
Layers = Callable[[Any, dict[str, Any]], Any]


class Network(BaseEstimator):
    """What classifier and regressor share. Fitted, it has the network and the names of its inputs' columns."""

    classes: tuple[Any, ...] | list[Any] = ()
    decision: Decision | None = None

    def __init__(self, contract: Contract | None = None, layers: Layers | None = None, parameters: Any = None) -> None:
        self.contract, self.layers, self.parameters = contract, layers, parameters

    def fit(self, rows: pd.DataFrame, labels: np.ndarray, datasets: tuple[Any, Any] | None = None) -> Self:
        """Train on typed rows: the same rows and parameters give the same network.

        `datasets` are batches to train on and to stop by, where `rows` are only some of them (train_batches.py).
        """
        assert self.contract is not None and self.layers is not None
        chosen = self.parameters
        keras.utils.set_random_seed(chosen["seed"])
        tf.config.experimental.enable_op_determinism()
        self.columns_ = [column.name for column in self.contract.features]
        inputs, features = project().module("features").preprocessor(self.contract, rows)
        targets = self.targets(labels)
        self.network_ = keras.Model(inputs, self._answer(self.layers(features, chosen), targets))
        self.network_.compile(optimizer=keras.optimizers.Adam(chosen["learning_rate"]), loss=self.loss)
        train, validation = datasets or self._datasets(rows, targets)
        watched = "val_loss" if validation is not None else "loss"
        stop = keras.callbacks.EarlyStopping(watched, patience=chosen["patience"], restore_best_weights=True)
        # The batches are shuffled already, by the seed.
        how = dict(epochs=chosen["epochs"], callbacks=[stop], shuffle=False, verbose=0)
        self.network_.fit(train, validation_data=validation, **how)
        return self

    def _datasets(self, rows: pd.DataFrame, targets: np.ndarray) -> tuple[Any, Any]:
        """Batches to train on, and others to stop by; all to train on where there are too few."""
        size, seed = self.parameters["batch_size"], self.parameters["seed"]
        order = np.random.default_rng(seed).permutation(len(rows))
        held = int(len(rows) * VALIDATED)
        held = held if held >= FEWEST_VALIDATED else 0
        columns = tensors(rows, self.columns_)

        def batches(chosen: np.ndarray) -> Any:
            return tf.data.Dataset.from_tensor_slices((tuple(c[chosen] for c in columns), targets[chosen]))

        train = batches(order[held:]).shuffle(len(rows), seed=seed).batch(size)
        return train, batches(order[:held]).batch(1024) if held else None

    @cached_property
    def _compiled(self) -> Any:
        specs = [tf.TensorSpec([None, 1], one.dtype) for one in self.network_.inputs]
        return tf.function(lambda *columns: self.network_(list(columns), training=False), specs, autograph=False)

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """What the network's last layer says: float32, shape (rows, classes) or (rows, 1)."""
        found: np.ndarray = self._compiled(*map(tf.constant, tensors(rows, self.columns_))).numpy()
        return found


class Classifier(ClassifierMixin, Network):
    """A network that answers with a probability for each class.

    `layers(features, parameters)` returns the last hidden layer; `parameters` has seed, learning_rate, batch_size,
    epochs and patience besides what the layers read.
    """

    loss = "sparse_categorical_crossentropy"

    @property
    def classes_(self) -> np.ndarray:
        """The classes, in the order of the probabilities."""
        return np.array(self.classes, dtype=object if isinstance(self.classes[0], str) else None)

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """The classes' places: int32, shape (rows,)."""
        assert self.contract is not None
        self.classes = self.contract.classes
        places = {label: place for place, label in enumerate(self.classes)}
        return np.array([places[label] for label in labels], dtype="int32")

    def _answer(self, hidden: Any, _: np.ndarray) -> Any:
        return keras.layers.Dense(len(self.classes), activation="softmax")(hidden)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """The probability of each class: float64, shape (rows, classes)."""
        return self.answers(rows).astype("float64")

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """The most likely class, or the one that the threshold decides for: shape (rows,)."""
        answers = self.answers(rows)
        if self.decision is None:
            found: np.ndarray = self.classes_[answers.argmax(axis=1)]
            return found
        place = list(self.classes).index(self.decision.positive)
        chosen = answers[:, place] >= np.float32(self.decision.threshold)
        decided: np.ndarray = self.classes_[np.where(chosen, place, 1 - place)]
        return decided


class Regressor(RegressorMixin, Network):
    """A network that answers with a number, learnt in standard deviations from the mean; else as `Classifier`."""

    loss = "mean_squared_error"

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """The numbers: float32, shape (rows, 1)."""
        return labels.astype("float32").reshape(-1, 1)

    def _answer(self, hidden: Any, targets: np.ndarray) -> Any:
        spread = float(targets.std()) or 1.0
        return keras.layers.Rescaling(spread, float(targets.mean()))(keras.layers.Dense(1)(hidden))

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """The numbers: float64, shape (rows,)."""
        return self.answers(rows)[:, 0].astype("float64")


def restore(network: Any, columns: list[str], classes: list[Any], decision: Decision | None = None) -> Network:
    """A fitted estimator around a network that was saved."""
    estimator: Network = Classifier() if classes else Regressor()
    estimator.network_, estimator.columns_, estimator.classes = network, columns, classes
    estimator.decision = decision
    return estimator
