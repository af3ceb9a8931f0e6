"""Challenger and champion on the same live rows: how often they agree, where they differ, and how long each takes.

Nobody is served by the challenger: it answers, in the shadow, what the champion was asked and has answered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_kit.contract import Contract
from mlops_kit.monitoring.errors import TooFewRowsError

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 30  # fewer say nothing
SMALLEST_SLICE = 20
TIMED_ROWS = 100
# Two numbers agree if they differ by at most this share of the spread (standard deviation) of the champion's answers.
CLOSE = 0.1


@dataclass(frozen=True)
class Slice:
    """A part of the rows, by the value of one column, and the share on which both agree."""

    name: str
    rows: int
    agreement: float


@dataclass(frozen=True)
class Latency:
    """The time of one row in milliseconds: the median, and what 95 of 100 are below."""

    median: float
    p95: float


@dataclass(frozen=True)
class Shadow:
    """A comparison. `answers` counts (champion's, challenger's); `differences` of numbers: challenger less champion."""

    rows: int
    agreement: float
    slices: list[Slice]
    champion: Latency
    challenger: Latency
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    differences: np.ndarray = field(default_factory=lambda: np.empty(0))
    differing: list[int] = field(default_factory=list)  # places of the rows, the greatest difference first

    @property
    def sentences(self) -> list[str]:
        """What is to be said of it."""
        return list(_sentences(self))


def compare(contract: Contract, rows: pd.DataFrame, answered: list[Any], champion: Any, challenger: Any) -> Shadow:
    """Let the challenger answer `rows` (typed), which the champion has answered with `answered`.

    Raises TooFewRowsError where there are too few rows to say anything.
    """
    if len(rows) < FEWEST_ROWS:
        raise TooFewRowsError(f"{len(rows)} rows are too few to say anything: at least {FEWEST_ROWS} are needed.")
    new = np.asarray(challenger.predict(rows)).tolist()
    champions, challengers = latencies([champion, challenger], rows)
    if contract.classes:
        agree = np.array([str(old) == str(now) for old, now in zip(answered, new, strict=True)])
        counts = Counter(zip(map(str, answered), map(str, new), strict=True))
        found: dict[str, Any] = dict(answers=dict(counts), differing=np.flatnonzero(~agree).tolist())
    else:
        old = np.asarray(answered, dtype="float64")
        differences = np.asarray(new, dtype="float64") - old
        agree = np.abs(differences) <= CLOSE * old.std()
        order = np.argsort(-np.abs(differences), kind="stable")
        found = dict(differences=differences, differing=[int(place) for place in order if not agree[place]])
    return Shadow(
        rows=len(rows),
        agreement=float(agree.mean()),
        slices=sorted(slices(contract, rows, agree), key=lambda part: part.agreement),
        champion=champions,
        challenger=challengers,
        **found,
    )


def slices(contract: Contract, rows: pd.DataFrame, agree: np.ndarray) -> Iterator[Slice]:
    """The agreement for each value of the columns with few of them, and for the lower and upper half of each number."""
    for column in contract.features:
        values = rows[column.name]
        if column.type == "numeric":
            middle = values.median()
            # Not by the median itself: the names are labels in Prometheus, and stay the same from look to look.
            parts = {f"{column.name} (lower half)": values <= middle, f"{column.name} (upper half)": values > middle}
        elif column.type == "boolean" or 1 < len(column.categories) <= 10:
            parts = {f"{column.name}={value}": values == value for value in sorted(values.dropna().unique(), key=str)}
        else:
            continue
        for name, inside in parts.items():
            chosen = inside.to_numpy(dtype=bool)
            if SMALLEST_SLICE <= chosen.sum() < len(rows):
                yield Slice(name, int(chosen.sum()), float(agree[chosen].mean()))


def latencies(models: Iterable[Any], rows: pd.DataFrame) -> list[Latency]:
    """How long each takes for one row, in one thread, in turn on the same rows: what else runs here hits both."""
    from threadpoolctl import threadpool_limits

    models = list(models)
    taken: list[list[float]] = [[] for _ in models]
    with threadpool_limits(limits=1):
        for place in range(-1, min(TIMED_ROWS, len(rows))):
            one = rows.iloc[max(place, 0) : max(place, 0) + 1]
            for model, times in zip(models, taken, strict=True):
                start = time.perf_counter()
                model.predict(one)
                if place >= 0:  # the first call loads what is needed
                    times.append((time.perf_counter() - start) * 1e3)
    return [Latency(float(np.median(times)), float(np.quantile(times, 0.95))) for times in taken]


def _sentences(found: Shadow) -> Iterator[str]:
    agree = f"They agree on {found.agreement:.1%} of {found.rows} rows"
    if found.differences.size:
        sizes = np.abs(found.differences)
        yield f"{agree}: half of the answers differ by less than {np.median(sizes):.4g}, the most by {sizes.max():.4g}."
        mean = float(found.differences.mean())
        yield f"The challenger answers {abs(mean):.4g} {'more' if mean >= 0 else 'less'} on average."
    else:
        yield f"{agree}."
        moved = Counter({pair: count for pair, count in found.answers.items() if pair[0] != pair[1]})
        for (old, new), count in moved.most_common(3):
            yield f"{count} rows are {new!r} to the challenger, {old!r} to the champion."
    worst = found.slices[0] if found.slices else None
    if worst and worst.agreement < found.agreement:
        yield f"They differ most in the slice {worst.name}: agreed on {worst.agreement:.1%} of its {worst.rows} rows."
    ratio = found.challenger.median / found.champion.median
    yield f"A row takes the challenger {found.challenger.median:.2f} ms, {ratio:.1f} times the champion's time."
