"""Builders of features inside a network: a project's features.py composes them into its first layers.

One input a column, in the contract's order, of shape (rows, 1):

    numeric, boolean     float64, NaN where the value is missing
    date                 float64, days since 1970, NaN where it is missing
    categorical, text    string, empty where it is missing

Only Keras' own layers are used: a saved network is read without running anybody's code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlops_kit.contract import Column, Contract
from mlops_kit.frameworks.tensorflow.quietly import keras

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["category", "inputs", "scaled", "side_by_side", "tensors", "turning", "words"]

STRINGS = ("categorical", "text")
WORDS = 500  # of a text column, the most frequent ones
FARTHEST = 10.0  # standard deviations: a value that is farther away counts as that far
PERIODS = (365.2425, 7.0, 1.0)  # days in a year, a week, a day


def tensors(rows: pd.DataFrame, columns: list[str]) -> list[np.ndarray]:
    """Typed rows as what the inputs take: an array of shape (rows, 1) for each column."""
    return [_tensor(rows[name]).reshape(-1, 1) for name in columns]


def _tensor(values: pd.Series) -> np.ndarray:
    if values.dtype.kind == "M":
        return (values.to_numpy("datetime64[us]") - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    if values.dtype.kind == "f":
        return values.to_numpy("float64")
    return values.fillna("").to_numpy(dtype=str).astype(object)


def inputs(contract: Contract) -> dict[str, keras.KerasTensor]:
    """One input a feature, by its name and in the contract's order."""
    kinds = {column.name: "string" if column.type in STRINGS else "float64" for column in contract.features}
    return {
        name: keras.Input((1,), dtype=kind, name=f"column_{place}") for place, (name, kind) in enumerate(kinds.items())
    }


def category(values: keras.KerasTensor, column: Column) -> keras.KerasTensor:
    """A 1 at the place of the category: shape (rows, categories + 1); an unknown one counts as missing."""
    known = [str(one) for one in column.categories]
    return keras.layers.StringLookup(vocabulary=known, output_mode="multi_hot")(values)


def words(values: keras.KerasTensor, fitted: np.ndarray) -> keras.KerasTensor:
    """A 1 for each of the 500 most frequent words of the rows that it is fitted to: shape (rows, words)."""
    vectors = keras.layers.TextVectorization(max_tokens=WORDS, output_mode="multi_hot")
    vectors.adapt(fitted.ravel())
    return keras.layers.Flatten()(vectors(values))


def side_by_side(blocks: list[keras.KerasTensor]) -> keras.KerasTensor:
    """All blocks as one tensor: float32, (rows, features)."""
    features = [keras.ops.cast(block, "float32") for block in blocks]
    return keras.layers.Concatenate()(features) if len(features) > 1 else features[0]


def scaled(values: keras.KerasTensor, fitted: np.ndarray) -> keras.KerasTensor:
    """Standard deviations from the mean, 0 for a missing value; and whether it is missing: float64, (rows, 2)."""
    known = fitted[np.isfinite(fitted)]
    mean = float(known.mean()) if len(known) else 0.0
    spread = float(known.std()) if len(known) else 1.0
    spread = spread if 0 < spread < math.inf else 1.0
    missing = keras.ops.isnan(values)
    standard = keras.layers.Rescaling(1 / spread, -mean / spread, dtype="float64")(values)
    standard = keras.ops.clip(keras.ops.where(missing, 0.0, standard), -FARTHEST, FARTHEST)
    return keras.layers.Concatenate(dtype="float64")([standard, keras.ops.cast(missing, "float64")])


def turning(days: keras.KerasTensor) -> keras.KerasTensor:
    """The position in the year, the week and the day, as points on circles: float64, (rows, 6); missing is day 0."""
    there = keras.ops.where(keras.ops.isnan(days), 0.0, days)
    angles = [keras.ops.multiply(there, 2 * math.pi / period) for period in PERIODS]
    points = [turn(angle) for angle in angles for turn in (keras.ops.sin, keras.ops.cos)]
    return keras.layers.Concatenate(dtype="float64")(points)
