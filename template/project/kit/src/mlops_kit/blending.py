"""Boosted trees beside a linear model, as a table's size wants it: a project's model.py ends its pipeline in a blend.

On up to 10,000 rows, models that have not seen a row choose by it: the number of trees, their leaves, a log link for a
skewed target, the penalty of a linear model, and how much that counts. On more rows the trees are alone, and stop by
themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from mlops_kit.boosting import Sample, boosting_of

__all__ = ["BlendClassifier", "BlendRegressor"]

MOST_ROWS = 10_000  # that the trials look at
MOST_VALUES = 100_000  # rows * columns * classes that are tried in five folds; of more, one fifth is held out
FEW_ROWS = 1000  # of which a fifth decides nothing: five folds up to five times as many values
FOLDS = 5
SKEWED = 1.5  # the skewness above which a log link is tried, by a loss whose spread grows with the mean
MOST_WORSE = 0.1  # of the least loss, that a simpler model may lose
STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # the inverse of the penalty on a logistic regression's coefficients
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trees in the answer
# What of this module a saved model names. It stays here, or models of before could not be read.
TRUSTED_TYPES = [f"mlops_kit.blending.{name}" for name in ("BlendClassifier", "BlendRegressor", "Spread")]


class Trial(NamedTuple):
    """What trees answered on rows that they had not seen, and by which parameters they come again."""

    loss: float
    answers: np.ndarray  # float, shape (rows,) or (rows, classes)
    parameters: dict[str, Any]


class Spread(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features for a linear model: codes as columns of 0 and 1, numbers scaled and kept to the range that was learnt.

    A missing number is the mean; a missing code is no category. So nothing is extrapolated, as by trees.
    """

    def __init__(self, categories: Any = ()) -> None:
        self.categories = categories  # the places of the codes

    def fit(self, rows: np.ndarray, labels: Any = None) -> Spread:
        """Learn from rows of shape (rows, features), NaN where a value is missing."""
        self.numbers_ = np.setdiff1d(np.arange(rows.shape[1]), np.asarray(self.categories, dtype=int))
        numbers = rows[:, self.numbers_]
        with warnings.catch_warnings(action="ignore"):  # of a column without any value
            low, high, mean, spread = (
                np.nan_to_num(of(numbers, axis=0)) for of in (np.nanmin, np.nanmax, np.nanmean, np.nanstd)
            )
        self.low_, self.high_, self.mean_, self.scale_ = low, high, mean, np.where(spread > 0, spread, 1.0)
        self.codes_ = [np.unique(rows[~np.isnan(rows[:, place]), place]) for place in self.categories]
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Float64, shape (rows, codes + numbers)."""
        numbers = (np.clip(rows[:, self.numbers_], self.low_, self.high_) - self.mean_) / self.scale_
        coded = zip(self.categories, self.codes_, strict=True)
        return np.hstack([*(rows[:, [place]] == codes for place, codes in coded), np.nan_to_num(numbers)])


class _Blend(BaseEstimator):  # type: ignore[misc]
    """What both kinds of a blend share. `share_` is the trees' part in the answer, from 0 to 1."""

    share: float | None = None  # models that were saved before there was one have none of their own

    def __init__(self, trees: Any, categories: Any = (), share: float | None = None) -> None:
        self.trees = trees  # histogram gradient boosting, of scikit-learn or LightGBM
        self.categories = categories  # the places of the codes among the features
        self.share = share  # of the trees; None: as trials find it

    def fit(self, rows: Any, labels: Any, sample_weight: Any = None) -> Any:
        """Fit to rows of numbers, shape (rows, features), and labels of shape (rows,). See the module's first lines."""
        if self.share is not None and not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}: give a number from 0 to 1.")
        rows, labels = np.asarray(rows, dtype="float64"), np.asarray(labels)
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype="float64")
        trees, share = clone(self.trees), 1.0
        if is_classifier(self):
            self.classes_ = np.unique(labels)
            weights = weights * compute_sample_weight(trees.class_weight, labels)
            trees.set_params(class_weight=None)
        weights = weights / weights.mean()  # penalties are for rows that count 1 on average
        sample, lines = Sample(rows, labels, weights), self._lines()
        linear = lines[-1]  # with the least penalty: many rows need none
        grown = boosting_of(trees).grown
        if len(rows) > MOST_ROWS:
            trees.set_params(**link_of_many(trees, sample))
            grown = boosting_of(trees).grown_on_many
        elif self._can_be_tried(labels[weights > 0]):
            parameters, linear, share = settled(trees, lines, sample)
            trees.set_params(**parameters)
        self.share_ = share if self.share is None else self.share
        self.trees_: Any = grown(trees, sample) if self.share_ > 0 else None
        self.linear_ = fitted(linear, sample) if self.share_ < 1 else None
        return self

    def _lines(self) -> list[Any]:
        """Linear models to choose from, untrained. A ridge regression finds its penalty by itself."""
        last = [LogisticRegression(C=strength, max_iter=1000) for strength in STRENGTHS]
        return [
            make_pipeline(Spread(self.categories), each)
            for each in (last if is_classifier(self) else [RidgeCV(np.logspace(-2, 4, 7))])
        ]

    def _can_be_tried(self, labels: np.ndarray) -> bool:
        """Whether there are rows to hold out, and two of each class."""
        fewest = np.unique(labels, return_counts=True)[1].min() if is_classifier(self) else 2
        return bool(len(labels) >= 2 * FOLDS and fewest > 1)

    def _answers(self, rows: Any) -> np.ndarray:
        rows = np.ascontiguousarray(rows, dtype="float64")
        parts = ((self.share_, self.trees_), (1 - self.share_, self.linear_))
        found: np.ndarray = np.sum(
            [share * answers(model, rows) for share, model in parts if model is not None], axis=0
        )
        return found


class BlendClassifier(ClassifierMixin, _Blend):  # type: ignore[misc]
    """A classifier, for labels of any kind.

    `trees` is histogram gradient boosting, of scikit-learn or LightGBM; `categories` are the places of the codes among
    the features.
    """

    ANSWERS_THE_LIKELIEST = True  # so that its labels follow from its probabilities

    def predict_proba(self, rows: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: float64, shape (rows, classes)."""
        return self._answers(rows)

    def predict(self, rows: Any) -> np.ndarray:
        """Labels, of shape (rows,)."""
        found: np.ndarray = self.classes_[self._answers(rows).argmax(axis=1)]
        return found


class BlendRegressor(RegressorMixin, _Blend):  # type: ignore[misc]
    """A regressor; else as `BlendClassifier`."""

    def predict(self, rows: Any) -> np.ndarray:
        """Numbers: float64, shape (rows,)."""
        return self._answers(rows)


# --- what trials settle ----------------------------------------------------------------------------------------------


def settled(trees: Any, lines: list[Any], sample: Sample) -> tuple[dict[str, Any], Any, float]:
    """The parameters of the best trees, the best linear model, and the trees' share beside it.

    The smallest share whose loss is within a standard error of the least: the simpler of two equal models, as in
    Breiman and others, Classification and Regression Trees, 1984. A long tail makes that error large, hence MOST_WORSE.
    """
    folds = list(split(trees, sample))
    boosting = boosting_of(trees)
    leaves: list[dict[str, Any]] = [{}, boosting.few_leaves]
    trials = [tried(trees, change, folds, sample) for change in leaves]
    if is_skewed(trees, sample.labels):
        trials += [tried(trees, {**change, **boosting.log_link}, folds, sample) for change in leaves]
    best = min(trials, key=lambda trial: trial.loss)
    held = sample.at(np.concatenate([places for _, places in folds]))
    lined = [
        np.concatenate([answers(fitted(clone(line), sample.at(a)), sample.rows[b]) for a, b in folds]) for line in lines
    ]
    place = int(np.argmin([loss(held, found, sample.labels).mean() for found in lined]))
    losses = [loss(held, share * best.answers + (1 - share) * lined[place], sample.labels) for share in SHARES]
    least = min(losses, key=np.mean)
    worse = [each - least for each in losses]
    close = [each.mean() <= min(each.std() / len(each) ** 0.5, MOST_WORSE * least.mean()) for each in worse]
    return best.parameters, lines[place], SHARES[close.index(True)]


def link_of_many(trees: Any, sample: Sample) -> dict[str, Any]:
    """The parameters of trees for many rows: a log link where that is better on some of them."""
    if not is_skewed(trees, sample.labels):
        return {}
    some = sample.at(np.random.default_rng(0).permutation(len(sample.rows))[:MOST_ROWS])
    folds = list(islice(split(trees, some), 1))
    link = boosting_of(trees).log_link
    return link if tried(trees, link, folds, some).loss < tried(trees, {}, folds, some).loss else {}


def split(trees: Any, sample: Sample) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The places of the rows to learn and of those held out: five times, or once where there is much to learn."""
    values = sample.rows.size * (len(np.unique(sample.labels)) if is_classifier(trees) else 1)
    kind = StratifiedKFold if is_classifier(trees) else KFold
    with warnings.catch_warnings(action="ignore"):  # of a class that is not in each fold
        folds = list(kind(FOLDS, shuffle=True, random_state=0).split(sample.rows, sample.labels))
    most = MOST_VALUES if len(sample.rows) > FEW_ROWS else FOLDS * MOST_VALUES
    heavy = [fold for fold in folds if all(sample.weights[part].any() for part in fold)]  # rows may count nothing
    yield from heavy if values <= most else heavy[:1]


def tried(trees: Any, change: dict[str, Any], folds: list[Any], sample: Sample) -> Trial:
    """Trees with other parameters, and the number of rounds that is best over the folds."""
    boosting = boosting_of(trees)
    fits = [boosting.stopped(clone(trees).set_params(**change), sample.at(a), sample.at(b)) for a, b in folds]
    curves = [boosting.curve(fit) for fit in fits]
    most = max(map(len, curves))
    curves = [np.pad(curve, (0, most - len(curve)), "edge") for curve in curves]
    rounds = max(1, int(np.mean(curves, axis=0).argmax()))
    each = zip(fits, folds, strict=True)
    found = np.concatenate([boosting.after(rounds, fit, sample.rows[b]) for fit, (_, b) in each])
    held = sample.at(np.concatenate([places for _, places in folds]))
    return Trial(loss(held, found, sample.labels).mean(), found, {**change, **boosting.fixed(rounds)})


def loss(held: Sample, found: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Log loss or squared error of each row, times its weight: float, shape (rows,). `known` has all labels."""
    if found.ndim == 1:
        return np.asarray(held.weights * (held.labels - found) ** 2)
    places = np.searchsorted(np.unique(known), held.labels)
    return np.asarray(-held.weights * np.log(np.maximum(found[np.arange(len(found)), places], 1e-12)))


def is_skewed(trees: Any, labels: np.ndarray) -> bool:
    """Whether a log link is worth a trial: amounts above 0 with a long tail."""
    if is_classifier(trees) or labels.min() <= 0 or labels.std() == 0:
        return False
    return bool((((labels - labels.mean()) / labels.std()) ** 3).mean() > SKEWED)


def fitted(linear: Any, sample: Sample) -> Any:
    """The linear model, fitted."""
    return linear.fit(sample.rows, sample.labels, **{f"{linear.steps[-1][0]}__sample_weight": sample.weights})


def answers(model: Any, rows: np.ndarray) -> np.ndarray:
    """Probabilities, or numbers: float64, shape (rows, classes) or (rows,)."""
    found: np.ndarray = model.predict_proba(rows) if is_classifier(model) else model.predict(rows)
    return found
