"""Has the data moved since training? Each column of new rows against the training part, by test and by effect.

A finding needs both: a difference that chance hardly makes (Holm's correction over everything that is looked at, so
that a whole look raises a false alarm in at most 5 of 100 cases), and one that is large enough to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_kit.monitoring.errors import TooFewRowsError

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

ALPHA = 0.05  # false alarms of a whole look
FEWEST_ROWS = 30  # fewer say nothing
FEWEST_EXPECTED = 5  # of a category; of fewer, the chi-squared test sees differences where there are none
# From where on a difference matters: Kolmogorov-Smirnov's distance, the total variation distance of shares, a
# difference of missing shares. All are between 0 and 1.
MATTERS = {"distribution": 0.1, "shares": 0.1, "missing": 0.03, "quality": 0.0}
# What units differ by: powers of ten, and pound, inch, foot, mile.
FACTORS = (10, 100, 1e3, 1e6, 2.20462, 2.54, 3.28084, 1.60934)
UNITS = (*FACTORS, *(1 / factor for factor in FACTORS))
PREDICTION = "(prediction)"
DEALS = 60  # to see how much a metric varies by chance


@dataclass(frozen=True)
class Comparison:
    """One thing that was looked at: `p` as the test gives it, `effect` between 0 and 1, `adjusted` by Holm."""

    column: str
    kind: str
    p: float
    effect: float
    sentence: str
    adjusted: float = 1.0

    @property
    def found(self) -> bool:
        """Whether it is drift."""
        return self.adjusted < ALPHA and self.effect >= MATTERS[self.kind]


def compare(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    current: pd.DataFrame,
    model: Any = None,
    metric: str = "",
) -> list[Comparison]:
    """Everything that can be looked at, corrected together, the worst first. Frames are typed as the contract does.

    Columns are compared with the training part. What the model answers, and how well (where `current` has the target),
    is compared with the test part: a model always does better on what it was trained on.
    """
    if len(current) < FEWEST_ROWS:
        raise TooFewRowsError(f"{len(current)} rows are too few to say anything: at least {FEWEST_ROWS} are needed.")
    found = list(columns(contract, train, current))
    if contract.target in current.columns and current[contract.target].notna().any():
        labelled = current[current[contract.target].notna()]
        kind = "categorical" if contract.classes else "numeric"
        found += one_column(contract.target, kind, train[contract.target], labelled[contract.target])
        if model is not None and metric:
            found += quality(contract, test, labelled, model, metric)
    if model is not None:
        found += predictions(contract, test, current, model)
    return holm(found)


def holm(found: list[Comparison]) -> list[Comparison]:
    """p-values corrected for their number (Holm, 1979): the smallest times all, the next times all but one, ..."""
    ordered = sorted(found, key=lambda one: one.p)
    adjusted, worst = [], 0.0
    for rank, one in enumerate(ordered):
        worst = max(worst, min(1.0, one.p * (len(ordered) - rank)))
        adjusted.append(replace(one, adjusted=worst))
    return sorted(adjusted, key=lambda one: (not one.found, -one.effect))


def columns(contract: Contract, reference: pd.DataFrame, current: pd.DataFrame) -> Iterator[Comparison]:
    """Each feature. Of a date only missing values are looked at: time goes on by itself."""
    for column in contract.features:
        yield from one_column(column.name, column.type, reference[column.name], current[column.name])


def one_column(name: str, kind: str, reference: pd.Series, current: pd.Series) -> Iterator[Comparison]:
    """Missing values, then what is there."""
    yield missing(name, reference, current)
    before, now = reference.dropna(), current.dropna()
    if len(before) < FEWEST_ROWS or len(now) < FEWEST_ROWS:
        return
    if kind == "numeric":
        yield numbers(name, before.to_numpy("float64"), now.to_numpy("float64"))
    elif kind == "text":
        lengths = [values.astype("str").str.len().to_numpy("float64") for values in (before, now)]
        yield replace(numbers(name, *lengths), sentence=f"{name}: its texts have another length")
    elif kind in ("categorical", "boolean"):
        yield categories(name, before.astype("str"), now.astype("str"))


def missing(name: str, reference: pd.Series, current: pd.Series) -> Comparison:
    """The shares of missing values, by Fisher's exact test."""
    from scipy.stats import fisher_exact

    counts = [[int(values.isna().sum()), int(values.notna().sum())] for values in (reference, current)]
    before, now = (absent / max(absent + there, 1) for absent, there in counts)
    p = 1.0 if before == now else float(fisher_exact(counts).pvalue)
    return Comparison(name, "missing", p, abs(now - before), f"{name}: {now:.1%} are missing, {before:.1%} were")


def numbers(name: str, before: np.ndarray, now: np.ndarray) -> Comparison:
    """Two samples of numbers, by Kolmogorov and Smirnov; a factor between them that is one of units is named."""
    from scipy.stats import ks_2samp

    test = ks_2samp(before, now, method="asymp")
    middle, was = float(np.median(now)), float(np.median(before))
    sentence = f"{name}: its median is {middle:.4g}, it was {was:.4g}"
    factor = unit_between(before, now, float(test.statistic))
    if factor:
        sentence += f": its unit seems to have changed, by a factor of {factor:.4g}"
    return Comparison(name, "distribution", float(test.pvalue), float(test.statistic), sentence)


def unit_between(before: np.ndarray, now: np.ndarray, distance: float) -> float:
    """The factor of a unit that makes the samples alike, 0 where there is none."""
    from scipy.stats import ks_2samp

    if distance < 0.5:
        return 0.0
    distances = {unit: float(ks_2samp(before * unit, now, method="asymp").statistic) for unit in UNITS}
    best = min(distances, key=distances.__getitem__)
    return best if distances[best] < distance / 4 else 0.0


def categories(name: str, before: pd.Series, now: pd.Series) -> Comparison:
    """Two samples of categories, by the chi-squared test, two by Fisher's; what is new or gone is named."""
    was, is_now = before.value_counts(), now.value_counts()
    every = sorted({*was.index, *is_now.index})
    counts = np.array([[int(values.get(value, 0)) for value in every] for values in (was, is_now)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum() / 2)
    p = independence(pooled(counts)) if len(every) > 1 else 1.0
    new = [value for value, (a, b) in zip(every, counts.T, strict=True) if not a and b]
    gone = [value for value, (a, b) in zip(every, counts.T, strict=True) if a and not b]
    most = int(np.argmax(np.abs(shares[1] - shares[0])))
    parts = [f"{every[most]!r} is {shares[1][most]:.1%}, it was {shares[0][most]:.1%}"]
    parts += [f"new: {', '.join(map(repr, new[:5]))}"] if new else []
    parts += [f"gone: {', '.join(map(repr, gone[:5]))}"] if gone else []
    return Comparison(name, "shares", p, effect, f"{name}: {'; '.join(parts)}")


def pooled(counts: np.ndarray) -> np.ndarray:
    """Counts of at least two categories, the rare ones joined until five are expected of each, as the test needs.

    They are joined in the order of how many there are in both samples: that tells nothing of a difference.
    """
    counts = counts[:, np.argsort(-counts.sum(axis=0), kind="stable")]
    expected = np.cumsum(counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum())
    starts, before = [0], 0.0
    for place, so_far in enumerate(expected[:-1], start=1):
        if so_far - before >= FEWEST_EXPECTED and expected[-1] - so_far >= FEWEST_EXPECTED:
            starts, before = [*starts, place], so_far
    return np.add.reduceat(counts, starts if len(starts) > 1 else [0, 1], axis=1)


def independence(counts: np.ndarray) -> float:
    """How likely a difference like this is by chance; exact where there are two categories, however rare one is."""
    from scipy.stats import chi2_contingency, fisher_exact

    test = fisher_exact if counts.shape[1] == 2 else chi2_contingency
    return float(test(counts).pvalue)


def predictions(contract: Contract, reference: pd.DataFrame, current: pd.DataFrame, model: Any) -> Iterator[Comparison]:
    """What the model answers to both: the shares of classes, or the distribution of numbers."""
    import pandas as pd

    answers = [pd.Series(model.predict(contract.coerce(rows))) for rows in (reference, current)]
    yield from one_column(PREDICTION, "categorical" if contract.classes else "numeric", *answers)


def quality(
    contract: Contract, reference: pd.DataFrame, current: pd.DataFrame, model: Any, metric: str
) -> Iterator[Comparison]:
    """The model's metric now against the one on the reference."""
    import pandas as pd

    from mlops_kit.training import score

    def measured(rows: pd.DataFrame) -> float:
        found = score(model, contract, rows, [metric])[metric]
        if np.isnan(found):  # as scikit-learn scores rows that do not have every class
            raise ValueError(metric)
        return found

    try:
        now, was = measured(current), measured(reference)
        p = chance(pd.concat([reference, current], ignore_index=True), len(current), was - now, measured)
    except ValueError:  # too few rows to have every class
        return
    effect = min(1.0, max(0.0, was - now))
    yield Comparison("(quality)", "quality", p, effect, f"{metric} is {now:.4f}, it was {was:.4f}")


def chance(rows: pd.DataFrame, size: int, fall: float, measured: Callable[[pd.DataFrame], float]) -> float:
    """How likely a fall like this is by chance: the spread of falls when rows are dealt out anew, as a normal one."""
    from scipy.stats import norm

    dice, falls = np.random.default_rng(0), []
    for _ in range(DEALS):
        order = dice.permutation(len(rows))
        with suppress(ValueError):  # a part without all classes
            falls.append(measured(rows.iloc[order[size:]]) - measured(rows.iloc[order[:size]]))
    spread = float(np.std(falls)) if len(falls) > 1 else 0.0
    return float(norm.sf(fall / spread)) if spread else 1.0
