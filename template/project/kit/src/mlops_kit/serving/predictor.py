"""A model's answers to a batch: the same as `poe predict` gives, without a pandas frame where numpy arrays will do.

A pandas frame costs more than a prediction. So the first step of the model, a scikit-learn ColumnTransformer, is
gone through here by hand: numbers are passed on, categories are looked up, and only the columns of other transformers
become a frame. When a model is loaded, both ways answer generated rows; if they differ, the frame is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlops_kit.contract import Contract
from mlops_kit.frameworks import framework
from mlops_kit.serving.endpoint import Answers
from mlops_kit.serving.rows import Columns, problem

CHECKED_ROWS = 200
HUGE = 1e9  # beyond it, a model's own arithmetic may overflow
# Their `predict` is the class of the highest probability, by their own source: asking once is enough.
HIGHEST_SHARE = ("BlendClassifier", "HistGradientBoostingClassifier", "LGBMClassifier")
# From a batch to some columns of the model's matrix: float64, shape (rows, columns).
Block = Callable[[Columns], np.ndarray]


class Predictor:
    """A model, ready to answer; `labels` are its classes, in the order of the probabilities."""

    def __init__(self, model: Any, contract: Contract) -> None:
        self.model, self.contract = model, contract
        self.labels: list[Any] = np.asarray(model.classes_).tolist() if contract.classes else []
        self.decision = framework().decision_of(model)
        self.estimator, self.blocks = model, None
        self.estimator, self.blocks = self._short_way()

    def __call__(self, columns: Columns) -> Answers:
        """The answers to a batch. Raises RowsError for numbers that are too large for this model's arithmetic."""
        try:
            return self._answer(self.estimator, self._matrix(columns))
        except ValueError:
            self._refuse_huge(columns)
            raise

    def _refuse_huge(self, columns: Columns) -> None:
        """Raise RowsError where a number is huge: a scaled one or a sum of them may be infinite."""
        for name in self.contract.of_type("numeric"):
            rows = np.flatnonzero(np.abs(columns[name]) > HUGE)
            if len(rows):
                told = f"Row {rows[0]} (counted from 0), column {name!r}: this model cannot take a number that large."
                raise problem(told, "rows", int(rows[0]), name)

    def _matrix(self, columns: Columns) -> Any:
        if self.blocks is None:
            return self.contract.coerce(pd.DataFrame(columns))
        return np.hstack([block(columns) for block in self.blocks])

    def _answer(self, estimator: Any, matrix: Any) -> Answers:
        if not self.labels:
            return Answers(_finite(estimator.predict(matrix)).tolist())
        shares = estimator.predict_proba(matrix)
        if self.decision:
            place = self.labels.index(self.decision.positive)
            chosen = shares[:, place] >= self.decision.threshold
            predictions = [self.labels[place if one else 1 - place] for one in chosen.tolist()]
        elif self._name() in HIGHEST_SHARE:
            predictions = [self.labels[place] for place in shares.argmax(axis=1).tolist()]
        else:
            predictions = np.asarray(estimator.predict(matrix)).tolist()
        return Answers(predictions, _finite(shares).round(6).tolist())

    def _name(self) -> str:
        last = self.model.steps[-1][1] if hasattr(self.model, "steps") else self.model
        return type(last).__name__

    def _short_way(self) -> tuple[Any, list[Block] | None]:
        """The last step and the blocks before it, if that gives the whole model's answers."""
        blocks = blocks_of(self.model)
        if blocks is None:
            return self.model, None
        rows = self.contract.sample(CHECKED_ROWS).drop(columns=self.contract.target)
        rows.iloc[0] = None
        frame = self.contract.coerce(rows)
        columns = {name: frame[name].to_numpy() for name in frame.columns}
        last = self.model.steps[-1][1]
        try:
            short = self._answer(last, np.hstack([block(columns) for block in blocks]))
            same = short == self._answer(self.model, frame)
        except ValueError:  # a model that needs every value
            same = False
        return (last, blocks) if same else (self.model, None)


def _finite(answers: Any) -> np.ndarray:
    """Answers as float64. Raises ValueError where one is no number."""
    found = np.asarray(answers, dtype="float64")
    if not np.isfinite(found).all():
        raise ValueError("The model's answer is no finite number.")
    return found


def blocks_of(model: Any) -> list[Block] | None:
    """The model's first step, one block for each of its transformers; None where it is built in another way."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline) or len(model) != 2 or not isinstance(model[0], ColumnTransformer):
        return None
    parts = [
        (step, names) for _, step, names in model[0].transformers_ if not (isinstance(step, str) and step == "drop")
    ]
    return [_block(step, names) for step, names in parts]


def _block(step: Any, names: list[str] | str) -> Block:
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    if isinstance(names, str):
        return lambda columns: _dense(step.transform(pd.Series(columns[names], name=names)))
    if isinstance(step, FunctionTransformer) and step.func is None:  # "passthrough", once it is fitted
        return lambda columns: np.array([columns[name] for name in names], dtype="float64").T
    if isinstance(step, OrdinalEncoder) and step.handle_unknown == "use_encoded_value":
        codes = [
            (name, {category: float(code) for code, category in enumerate(categories)})
            for name, categories in zip(names, step.categories_, strict=True)
        ]
        unknown = float(step.unknown_value)
        return lambda columns: (
            np.array([[code.get(value, unknown) for value in columns[name]] for name, code in codes], dtype="float64").T
        )
    return lambda columns: _dense(step.transform(pd.DataFrame({name: columns[name] for name in names})))


def _dense(block: Any) -> np.ndarray:
    return np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype="float64")
