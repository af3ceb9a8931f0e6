"""What other estimators need beside their own code, for a model.py that uses them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

__all__ = ["Encoded"]

TRUSTED_TYPES = ["mlops_kit.estimators.Encoded"]


class Encoded(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that wants its classes as 0, 1, ..., such as XGBoost's, for labels of any kind.

    Encoded(XGBClassifier(**parameters)) takes labels as the contract has them, and answers with them.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, rows: Any, labels: Any) -> Encoded:
        """Fit a copy of the estimator to rows, and to labels of shape (rows,)."""
        self.classes_, codes = np.unique(np.asarray(labels), return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(rows, codes)
        return self

    def predict(self, rows: Any) -> np.ndarray:
        """Labels, of shape (rows,)."""
        codes = np.asarray(self.estimator_.predict(rows)).ravel().astype(int)
        found: np.ndarray = self.classes_[codes]
        return found

    def predict_proba(self, rows: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: float, shape (rows, classes)."""
        found: np.ndarray = self.estimator_.predict_proba(rows)
        return found
