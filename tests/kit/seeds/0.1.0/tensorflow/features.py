"""From typed rows to numbers, inside the network: its first layers, so that raw rows go in.

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

from .contract import Contract
from .tensorflow_quietly import keras

if TYPE_CHECKING:
    import pandas as pd

STRINGS = ("categorical", "text")
WORDS = 500  # of a text column, the most frequent ones
FARTHEST = 10.0  # standard deviations: a value that is farther away counts as that far
PERIODS = (365.2425, 7.0, 1.0)  # days in a year, a week, a day


def tensors(rows: pd.DataFrame, columns: list[str]) -> list[np.ndarray]:
    """Typed rows as what the inputs take, one array a column: shape (rows, 1)."""
    return [_tensor(rows[name]).reshape(-1, 1) for name in columns]


def _tensor(values: pd.Series) -> np.ndarray:
    if values.dtype.kind == "M":
        return (values.to_numpy("datetime64[us]") - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    if values.dtype.kind == "f":
        return values.to_numpy("float64")
    return values.fillna("").to_numpy(dtype=str).astype(object)


def preprocessor(contract: Contract, rows: pd.DataFrame) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The inputs, and the features made of them, float32 of shape (rows, features), fitted to some rows."""
    kinds = {column.name: "string" if column.type in STRINGS else "float64" for column in contract.features}
    inputs = {
        name: keras.Input((1,), dtype=kind, name=f"column_{place}") for place, (name, kind) in enumerate(kinds.items())
    }
    fitted = dict(zip(kinds, tensors(rows, list(kinds)), strict=True))
    blocks = [scaled(inputs[name], fitted[name]) for name in contract.of_type("numeric", "boolean", "date")]
    blocks += [turning(inputs[name]) for name in contract.of_type("date")]
    for column in contract.features:
        if column.type == "categorical":
            # A category that the contract does not know is treated as a missing one.
            known = [str(category) for category in column.categories]
            blocks.append(keras.layers.StringLookup(vocabulary=known, output_mode="multi_hot")(inputs[column.name]))
        elif column.type == "text":
            words = keras.layers.TextVectorization(max_tokens=WORDS, output_mode="multi_hot")
            words.adapt(fitted[column.name].ravel())
            blocks.append(keras.layers.Flatten()(words(inputs[column.name])))
    features = [keras.ops.cast(block, "float32") for block in blocks]
    return list(inputs.values()), keras.layers.Concatenate()(features) if len(features) > 1 else features[0]


def scaled(values: keras.KerasTensor, fitted: np.ndarray) -> keras.KerasTensor:
    """Standard deviations from the mean, 0 for a missing value; and whether it is missing."""
    known = fitted[np.isfinite(fitted)]
    mean = float(known.mean()) if len(known) else 0.0
    spread = float(known.std()) if len(known) else 1.0
    spread = spread if 0 < spread < math.inf else 1.0
    missing = keras.ops.isnan(values)
    standard = keras.layers.Rescaling(1 / spread, -mean / spread, dtype="float64")(values)
    standard = keras.ops.clip(keras.ops.where(missing, 0.0, standard), -FARTHEST, FARTHEST)
    return keras.layers.Concatenate(dtype="float64")([standard, keras.ops.cast(missing, "float64")])


def turning(days: keras.KerasTensor) -> keras.KerasTensor:
    """Where in the year, the week and the day a moment is, as points on circles; 0 where it is missing."""
    there = keras.ops.where(keras.ops.isnan(days), 0.0, days)
    angles = [keras.ops.multiply(there, 2 * math.pi / period) for period in PERIODS]
    points = [turn(angle) for angle in angles for turn in (keras.ops.sin, keras.ops.cos)]
    return keras.layers.Concatenate(dtype="float64")(points)
