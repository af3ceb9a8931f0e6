"""Builders of features: a project's features.py composes them into the first step of its model.

Each gives a step for a `ColumnTransformer`, so what they learn is saved with the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, TargetEncoder

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

__all__ = ["TextScores", "categories", "columns", "date_parts", "dates", "numbers", "target_means", "texts", "words"]

MANY_CATEGORIES = 20  # of a column; each one then has few rows, and its code says little
TEXT_BUCKETS = 2**16  # of the hashed words, and as many of the pieces of words
TEXT_ROWS = 50_000  # at most, that the weights are learnt from
TEXT_FOLDS = 5
# What of this module a saved model names. It stays here, or models of before could not be read.
TRUSTED_TYPES = ["mlops_kit.features.TextScores", "mlops_kit.features.date_parts", "mlops_kit.features.texts"]

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


def target_means(contract: Contract) -> Step:
    """Columns with many categories as the mean target of each (or the share of each class), shrunk to that of all rows.

    The rows that it is fitted to get the means of other rows, so that what comes after can trust them.
    """
    many = [column.name for column in contract.features if len(column.categories) > MANY_CATEGORIES]
    kind = "continuous" if not contract.classes else "binary" if len(contract.classes) == 2 else "multiclass"
    return ("target means", TargetEncoder(target_type=kind, random_state=0), many)


def numbers(contract: Contract) -> Step:
    """Numbers and booleans as they are, missing values included."""
    return ("numbers", "passthrough", contract.of_type("numeric", "boolean"))


def dates(contract: Contract) -> Step:
    """Dates as `date_parts`."""
    return ("dates", FunctionTransformer(date_parts), contract.of_type("date"))


class TextScores(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A text column as a few numbers that hold what it says of the target: float64, shape (rows, targets + 2).

    Words, pairs of words and pieces of words are weighted by TF-IDF, and a ridge regression makes of them a score for
    each class (or of the number). The rows that it is fitted to get the score of a model that has not seen them, as in
    stacking, so that what comes after can trust it: Wolpert, Stacked generalization, 1992. The numbers of words and
    letters stand beside.
    """

    def fit(self, column: pd.Series, labels: Any) -> TextScores:
        """Learn the weights; see `fit_transform`."""
        self._fit(column, labels)
        return self

    def fit_transform(self, column: pd.Series, labels: Any) -> np.ndarray:
        """Learn the weights from a text column and labels, both of shape (rows,). Gives scores of unseen rows."""
        matrix, chosen, targets = self._fit(column, labels)
        scores = np.asarray(self.weights_.predict(matrix)).reshape(matrix.shape[0], -1)
        if len(chosen) >= 2 * TEXT_FOLDS:
            folds = KFold(TEXT_FOLDS, shuffle=True, random_state=0)
            unseen = cross_val_predict(clone(self.weights_), matrix[chosen], targets, cv=folds)
            scores[chosen] = unseen.reshape(len(chosen), -1)
        return np.column_stack([scores, lengths(column)])

    def transform(self, column: pd.Series) -> np.ndarray:
        """The scores of other rows."""
        scores = np.asarray(self.weights_.predict(self.weighting_.transform(hashed(column))))
        return np.column_stack([scores.reshape(len(column), -1), lengths(column)])

    def _fit(self, column: pd.Series, labels: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        """The weighted matrix of all rows, the rows that are learnt from, and their targets."""
        rows = len(column)
        chosen = np.sort(np.random.default_rng(0).permutation(rows)[:TEXT_ROWS])
        targets = indicators(np.asarray(labels)[chosen])
        counts = hashed(column)
        self.weighting_ = TfidfTransformer(sublinear_tf=True).fit(counts[chosen])
        matrix = self.weighting_.transform(counts)
        self.weights_ = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-4).fit(matrix[chosen], targets)
        return matrix, chosen, targets


def hashed(column: pd.Series) -> Any:
    """Words, pairs of words and pieces of words of a text column, counted: sparse, shape (rows, 2 * TEXT_BUCKETS)."""
    from scipy.sparse import hstack

    told, plain = texts(column), dict(n_features=TEXT_BUCKETS, norm=None, alternate_sign=False)
    words = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **plain)
    pieces = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 4), **plain)
    return hstack([words.transform(told), pieces.transform(told)], format="csr")


def indicators(labels: np.ndarray) -> np.ndarray:
    """What a regression is fitted to: a number as it is, a class as 1 among 0: float64, (rows,) or (rows, classes)."""
    if labels.dtype.kind == "f":
        return labels
    classes, codes = np.unique(labels, return_inverse=True)
    found = np.eye(len(classes))[codes]
    return found[:, 1] if len(classes) == 2 else found


def lengths(column: pd.Series) -> np.ndarray:
    """The numbers of words and of letters: float64, shape (rows, 2); missing ones have 0."""
    told = texts(column)
    return np.array([[len(text.split()), len(text)] for text in told], dtype="float64").reshape(-1, 2)


def words(contract: Contract) -> list[Step]:
    """Each text column as `TextScores`."""
    return [(f"text{number}", TextScores(), name) for number, name in enumerate(contract.of_type("text"))]


def columns(steps: list[Step]) -> ColumnTransformer:
    """Steps side by side, in this order; those without a column are left out: float64, (rows, features)."""
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0, verbose_feature_names_out=False)
