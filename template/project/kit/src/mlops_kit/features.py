"""Builders of features: a project's features.py composes them into the first step of its model.

Each gives a step for a `ColumnTransformer`, so what they learn is saved with the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

TEXT_FEATURES = 64
# The functions of this module that a saved model names. They stay here, or models of before could not be read.
TRUSTED_TYPES = ["mlops_kit.features.date_parts", "mlops_kit.features.texts"]

Step = tuple[str, Any, Any]  # a name, a transformer, and the columns that it takes


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


def categories(contract: Contract) -> Step:
    """Categories as the codes 0, 1, ... of the contract's order; one that it does not know counts as missing, NaN."""
    lists = [list(column.categories) for column in contract.features if column.type == "categorical"]
    codes = OrdinalEncoder(categories=lists, handle_unknown="use_encoded_value", unknown_value=np.nan)
    return ("categories", codes, contract.of_type("categorical"))


def numbers(contract: Contract) -> Step:
    """Numbers and booleans as they are, missing values included."""
    return ("numbers", "passthrough", contract.of_type("numeric", "boolean"))


def dates(contract: Contract) -> Step:
    """Dates as `date_parts`."""
    return ("dates", FunctionTransformer(date_parts), contract.of_type("date"))


def words(contract: Contract) -> list[Step]:
    """Each text column as counts of its words, hashed into 64 numbers."""
    hashed = HashingVectorizer(n_features=TEXT_FEATURES, alternate_sign=False, norm=None)
    return [
        (f"text{number}", make_pipeline(FunctionTransformer(texts), hashed), name)
        for number, name in enumerate(contract.of_type("text"))
    ]


def columns(steps: list[Step]) -> ColumnTransformer:
    """Steps side by side, in this order; those without a column are left out: float64, (rows, features)."""
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0, verbose_feature_names_out=False)
