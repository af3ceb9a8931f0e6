"""A model's answers, kept: scorers, plots and hash ask for them as often as they like, and the model answers once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from mlops_kit.ground import project
from mlops_kit.training.metrics import asked, scorer

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

_last: list[Answers] = []


def answering(model: Any, contract: Contract, rows: pd.DataFrame) -> Any:
    """The answers of a model to coerced rows, which are counted from 0: it predicts once, however many scorers ask.

    The model itself where a scorer may need more than predictions and probabilities.
    """
    if contract.classes and not (hasattr(model, "predict_proba") and hasattr(model, "classes_")):
        return model
    return (Classes if contract.classes else Numbers)(model, rows)


def remembered(model: Any, contract: Contract, rows: pd.DataFrame) -> Any:
    """The same, kept for what draws the plots after the model was measured."""
    found = answering(model, contract, rows)
    _last[:] = [found] if found is not model else []
    return found


def recalled(model: Any, contract: Contract, rows: pd.DataFrame) -> Any:
    """The answers that were kept, if they are of this model to these rows; else the model is asked again."""
    return next((one for one in _last if one.are_of(model, rows)), None) or answering(model, contract, rows)


def value(name: str, model: Any, answers: Any, contract: Contract, rows: pd.DataFrame, labels: Any) -> float:
    """A metric of some of the rows that are answered. A scorer of model.py gets the model itself."""
    own = name in getattr(project().model, "SCORERS", {})
    by, known = (model, labels) if own or answers is model else (answers, plain(labels))
    return asked(scorer(name, contract), name, by, rows, known)


def plain(labels: np.ndarray) -> np.ndarray:
    """Labels as scikit-learn compares them: strings of numpy's own, which it sorts ten times faster than objects."""
    texts = labels.dtype == object and {type(one) for one in labels.tolist()} == {str}
    return labels.astype(str) if texts else labels


def last_step(model: Any) -> Any:
    """The estimator at the end of a pipeline, or a model that is none."""
    return model.steps[-1][1] if hasattr(model, "steps") else model


class Answers(BaseEstimator):  # type: ignore[misc]
    """The answers to some rows, by the rows' index, which counts them from 0. The model is asked for each kind once."""

    def __init__(self, model: Any, rows: pd.DataFrame) -> None:
        self._model, self._rows = model, rows
        self._given: dict[str, Any] = {}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def are_of(self, model: Any, rows: pd.DataFrame) -> bool:
        """Whether these are the answers of a model to rows."""
        return self._model is model and self._rows.equals(rows)

    def predict(self, rows: pd.DataFrame) -> Any:
        return self._to(rows, "predict")

    def _to(self, rows: pd.DataFrame, method: str) -> Any:
        if method not in self._given:
            self._given[method] = plain(np.asarray(self._ask(method)))
        return self._given[method][rows.index.to_numpy()]

    def _ask(self, method: str) -> Any:
        return getattr(self._model, method)(self._rows)


class Classes(ClassifierMixin, Answers):  # type: ignore[misc]
    """The same of a classifier."""

    def __init__(self, model: Any, rows: pd.DataFrame) -> None:
        super().__init__(model, rows)
        self.classes_ = model.classes_

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        return self._to(rows, "predict_proba")

    def _ask(self, method: str) -> Any:
        if method == "predict" and getattr(last_step(self._model), "ANSWERS_THE_LIKELIEST", False):
            return np.asarray(self.classes_)[self.predict_proba(self._rows).argmax(axis=1)]
        return super()._ask(method)


class Numbers(RegressorMixin, Answers):  # type: ignore[misc]
    """The same of a regression."""


class Given(Classes):
    """Answers of two classes that are given and not asked for: labels, and probabilities of shape (rows, 2)."""

    def __init__(self, classes: np.ndarray, labels: np.ndarray, shares: np.ndarray) -> None:
        self._given = {"predict": labels, "predict_proba": shares}
        self.classes_ = classes
