"""Boosted trees round by round, of scikit-learn and of LightGBM: what `blending` asks of either, by the same names."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from threadpoolctl import ThreadpoolController

PATIENCE = 10  # rounds without getting better, after which trees stop
FEW_LEAVES = 4  # of a tree that can join two columns at most: for small tables
HELD = 0.1  # the share of many rows by which trees stop, as scikit-learn has it
ONE_THREAD = 100_000  # values, rows * columns, at whose trees more threads would wait for each other longer than work


class Sample(NamedTuple):
    """Rows of numbers, shape (rows, features), with the label and the weight of each, shape (rows,)."""

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    def at(self, places: np.ndarray) -> Sample:
        """Some of the rows."""
        return Sample(self.rows[places], self.labels[places], self.weights[places])

    @property
    def is_weighted(self) -> bool:
        """Whether a row counts other than 1."""
        return bool((self.weights != 1).any())


class Boosting(Protocol):
    """How trees of one library are fitted. `trees` is an estimator of it, and is changed in place."""

    few_leaves: ClassVar[dict[str, Any]]  # parameters of smaller trees
    log_link: ClassVar[dict[str, Any]]  # parameters for a loss whose spread grows with the mean: gamma

    def fixed(self, rounds: int) -> dict[str, Any]:
        """The parameters by which trees have so many rounds."""

    def grown(self, trees: Any, sample: Sample) -> Any:
        """Trees, fitted to rows."""

    def grown_on_many(self, trees: Any, sample: Sample) -> Any:
        """Trees, fitted to rows that are enough to hold some out, by which they stop."""

    def stopped(self, trees: Any, learnt: Sample, held: Sample) -> Any:
        """Trees, fitted to rows, that stopped when the held rows got no better."""

    def curve(self, trees: Any) -> np.ndarray:
        """How good stopped trees were on the held rows after 0, 1, 2, ... rounds; more is better."""

    def after(self, rounds: int, trees: Any, rows: np.ndarray) -> np.ndarray:
        """What trees answered after some rounds, or after the last one: shape (rows,) or (rows, classes)."""


def boosting_of(trees: Any) -> Boosting:
    """The library of an estimator."""
    return LightGBM() if "num_leaves" in trees.get_params() else ScikitLearn()


class ScikitLearn:
    """Histogram gradient boosting."""

    few_leaves: ClassVar[dict[str, Any]] = {"max_leaf_nodes": FEW_LEAVES}
    log_link: ClassVar[dict[str, Any]] = {"loss": "gamma"}

    def fixed(self, rounds: int) -> dict[str, Any]:
        """See `Boosting`."""
        return {"max_iter": rounds, "early_stopping": False}

    def grown(self, trees: Any, sample: Sample) -> Any:
        """See `Boosting`."""
        return self._fit(trees, sample)

    def grown_on_many(self, trees: Any, sample: Sample) -> Any:
        """See `Boosting`: of more than 10,000 rows, it holds out some by itself, unless a class has a single one."""
        if is_classifier(trees) and trees.early_stopping and pd.Series(sample.labels).value_counts().min() < 2:
            return self.stopped(trees, *held_out(trees, sample))
        return self._fit(trees, sample)

    def stopped(self, trees: Any, learnt: Sample, held: Sample) -> Any:
        """See `Boosting`."""
        return self._fit(trees.set_params(early_stopping=True, n_iter_no_change=PATIENCE), learnt, held)

    def curve(self, trees: Any) -> np.ndarray:
        """See `Boosting`."""
        return np.asarray(trees.validation_score_)

    def after(self, rounds: int, trees: Any, rows: np.ndarray) -> np.ndarray:
        """See `Boosting`."""
        staged = trees.staged_predict_proba(rows) if is_classifier(trees) else trees.staged_predict(rows)
        *_, found = islice(staged, rounds)
        return np.asarray(found)

    def _fit(self, trees: Any, sample: Sample, held: Sample | None = None) -> Any:
        """Trees, fitted to rows; held rows are those by which they stop.

        With weights, scikit-learn searches for the border of each bin separately, which takes far longer than the rest.
        It has nothing to search for where a column has no more numbers than there are bins.
        """
        given: dict[str, Any] = {} if held is None else dict(X_val=held.rows, y_val=held.labels)
        rows = sample.rows
        if sample.is_weighted or (held and held.is_weighted):
            rows, given["sample_weight"] = coarse(rows, trees.max_bins), sample.weights
            if held is not None:
                given["sample_weight_val"] = held.weights
        with libraries().limit(limits=1 if rows.size <= ONE_THREAD else None, user_api="openmp"):
            return trees.fit(rows, sample.labels, **given)


@cache
def libraries() -> ThreadpoolController:
    """The loaded libraries that use threads. Finding them takes milliseconds, too long for each of dozens of fits."""
    return ThreadpoolController()


class LightGBM:
    """LightGBM's estimators of scikit-learn's form."""

    few_leaves: ClassVar[dict[str, Any]] = {"num_leaves": FEW_LEAVES}
    log_link: ClassVar[dict[str, Any]] = {"objective": "gamma"}

    def fixed(self, rounds: int) -> dict[str, Any]:
        """See `Boosting`."""
        return {"n_estimators": rounds}

    def grown(self, trees: Any, sample: Sample) -> Any:
        """See `Boosting`."""
        return self._fit(trees, sample)

    def grown_on_many(self, trees: Any, sample: Sample) -> Any:
        """See `Boosting`. `n_estimators` is then the number of rounds that answer."""
        trees = self.stopped(trees, *held_out(trees, sample))
        return trees.set_params(n_estimators=trees.best_iteration_)

    def stopped(self, trees: Any, learnt: Sample, held: Sample) -> Any:
        """See `Boosting`."""
        trees.set_params(early_stopping_round=PATIENCE)
        # `eval_X` and `eval_y`, which are to replace `eval_set`, do not take labels that are words in 4.7.
        with warnings.catch_warnings(action="ignore"):
            given = dict(eval_set=[(held.rows, held.labels)], eval_sample_weight=[held.weights])
            return self._fit(trees, learnt, **given)

    def _fit(self, trees: Any, sample: Sample, **held: Any) -> Any:
        if trees.n_jobs is None and sample.rows.size <= ONE_THREAD:
            trees.set_params(n_jobs=1)
        weights = sample.weights if sample.is_weighted else None
        return trees.fit(sample.rows, sample.labels, sample_weight=weights, **held)

    def curve(self, trees: Any) -> np.ndarray:
        """See `Boosting`: its losses begin after the first round."""
        (losses,) = trees.evals_result_["valid_0"].values()
        return np.concatenate([[-np.inf], -np.asarray(losses)])

    def after(self, rounds: int, trees: Any, rows: np.ndarray) -> np.ndarray:
        """See `Boosting`."""
        answer = trees.predict_proba if is_classifier(trees) else trees.predict
        return np.asarray(answer(rows, num_iteration=rounds))


def held_out(trees: Any, sample: Sample) -> tuple[Sample, Sample]:
    """The rows to learn, with one of each class, and a tenth of those that count, by which trees stop."""
    may = sample.weights > 0
    if is_classifier(trees):
        may &= pd.Series(sample.labels).duplicated().to_numpy()
    held = np.random.default_rng(0).permutation(np.flatnonzero(may))
    held = held[: max(1, int(HELD * len(held)))]
    return sample.at(np.setdiff1d(np.arange(len(may)), held)), sample.at(held)


def coarse(rows: np.ndarray, values: int) -> np.ndarray:
    """Each number as the nearest of its column's quantiles, where the column has more than so many values.

    Borders half way between quantiles divide the rows as before, so trees that were fitted to these answer the others.
    """
    found = rows.copy()
    for column in found.T:
        known = ~np.isnan(column)
        numbers = column[known]
        if len(np.unique(numbers)) > values:
            chosen = np.unique(np.quantile(numbers, np.linspace(0, 1, values), method="nearest"))
            column[known] = chosen[np.searchsorted((chosen[1:] + chosen[:-1]) / 2, numbers)]
    return found
