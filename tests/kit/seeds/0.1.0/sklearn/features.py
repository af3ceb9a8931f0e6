"""From typed rows to numbers: the first step of the model, so that raw rows go in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

if TYPE_CHECKING:
    import pandas as pd

    from .contract import Contract

TEXT_FEATURES = 64
# Our own functions, which a saved model names (see model.py's list).
TRUSTED_TYPES = [f"{__package__}.features.date_parts", f"{__package__}.features.texts"]


def date_parts(dates: pd.DataFrame) -> np.ndarray:
    """Days since 1970, month, day of the week and hour of each date column: float64, shape (rows, 4 * columns)."""
    parts = []
    for name in dates.columns:
        moments = dates[name]
        days = (moments - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
        parts += [days, moments.dt.month, moments.dt.day_of_week, moments.dt.hour]
    return np.column_stack([np.asarray(part, dtype="float64") for part in parts])


def texts(column: pd.Series) -> np.ndarray:
    """A text column without missing values: object, shape (rows,)."""
    return column.fillna("").to_numpy(dtype=object)


def preprocessor(contract: Contract) -> ColumnTransformer:
    """Numbers as they are (missing values too), categories as codes, dates as parts, text as hashed words.

    Categories come first in the output: `categorical_positions` gives their places to the estimator.
    """
    categorical = contract.of_type("categorical")
    lists = [list(column.categories) for column in contract.features if column.type == "categorical"]
    # A category that the contract does not know is treated as a missing one.
    codes = OrdinalEncoder(categories=lists, handle_unknown="use_encoded_value", unknown_value=np.nan)
    steps = [
        ("categories", codes, categorical),
        ("numbers", "passthrough", contract.of_type("numeric", "boolean")),
        ("dates", FunctionTransformer(date_parts), contract.of_type("date")),
    ]
    for number, name in enumerate(contract.of_type("text")):
        hashed = HashingVectorizer(n_features=TEXT_FEATURES, alternate_sign=False, norm=None)
        steps.append((f"text{number}", make_pipeline(FunctionTransformer(texts), hashed), name))
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0, verbose_feature_names_out=False)


def categorical_positions(contract: Contract) -> list[int]:
    """The places of the categories in what the preprocessor puts out."""
    return list(range(len(contract.of_type("categorical"))))
