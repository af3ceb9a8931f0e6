"""A model's answers, kept: a scorer can ask for them as often as it likes, and the model answers once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

if TYPE_CHECKING:
    import pandas as pd


class Answers(BaseEstimator):  # type: ignore[misc]
    """The answers to some rows, by the rows' index, which counts them from 0. The model is asked for each kind once."""

    def __init__(self, model: Any, rows: pd.DataFrame) -> None:
        self._model, self._rows = model, rows
        self._given: dict[str, Any] = {}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: pd.DataFrame) -> Any:
        return self._to(rows, "predict")

    def _to(self, rows: pd.DataFrame, method: str) -> Any:
        if method not in self._given:
            self._given[method] = np.asarray(getattr(self._model, method)(self._rows))
        return self._given[method][rows.index.to_numpy()]


class Classes(ClassifierMixin, Answers):  # type: ignore[misc]
    """The same of a classifier."""

    def __init__(self, model: Any, rows: pd.DataFrame) -> None:
        super().__init__(model, rows)
        self.classes_ = model.classes_

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        return self._to(rows, "predict_proba")


class Numbers(RegressorMixin, Answers):  # type: ignore[misc]
    """The same of a regression."""


class Given(Classes):
    """Answers of two classes that are given and not asked for: labels, and probabilities of shape (rows, 2)."""

    def __init__(self, classes: np.ndarray, labels: np.ndarray, shares: np.ndarray) -> None:
        self._given = {"predict": labels, "predict_proba": shares}
        self.classes_ = classes
