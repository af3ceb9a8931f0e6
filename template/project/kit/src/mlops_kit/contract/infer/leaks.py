"""Columns that give the target away: they would not be known when a prediction is made.

A column is a leak where the data shows it: a monotone copy of the target (its logarithm, its rank), values or ranges of
values that stand for one class or one range of the target each, values that are there for one class alone. The days
between two dates are looked at in the same way: the later one may be a date after the fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pandas as pd

from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.contract import Column, Contract
from mlops_kit.contract.infer.findings import Findings

FEW = 5000  # rows that tell most columns from a leak
FEWEST = 20  # rows that tell anything
ALIKE = 0.9999  # correlation of a copy
CHANCE = 1e-6  # of a finding that is none
ORDERED = ("numeric", "boolean", "date")
LEAVE_OUT = "If it is not known when a prediction is made, move it to `ignored` in contract.yaml"
MOST_DATES = 8  # whose differences are looked at


def warn_of_leaks(contract: Contract, cells: pd.DataFrame, found: Findings) -> None:
    """Warn of a column that gives the target away. `cells` are the rows as they stand in the file."""
    few = coerce(contract, cells.iloc[:: max(len(cells) // FEW, 1)], with_target=True)
    suspects = {
        name
        for name, values, target, has_order in _looked_at(contract, few)
        if _leaks(values, target, has_order, loose=True)
    }
    columns = tuple(column for column in contract.features if suspects & {column.name, *_pairs_of(contract, column)})
    if not columns:
        return
    narrow = replace(contract, columns=(*columns, contract.target_column))
    for name, values, target, has_order in _looked_at(narrow, coerce(narrow, cells, with_target=True)):
        why = _leaks(values, target, has_order) if name in suspects else ""
        if why:
            found.warn(f"{name} gives {contract.target!r} away: {why}. {LEAVE_OUT}")


def _looked_at(contract: Contract, frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series, pd.Series, bool]]:
    """What may be a leak: its name, its values, the target, and whether the values have an order."""
    target = frame[contract.target]
    target = target.astype("float64") if contract.problem == "regression" else target.astype("str")
    for column in contract.features:
        yield repr(column.name), frame[column.name], target, column.type in ORDERED
    for first, second in _pairs(contract):
        yield _difference(first, second), (frame[second.name] - frame[first.name]).dt.total_seconds(), target, True


def _pairs(contract: Contract) -> Iterator[tuple[Column, Column]]:
    dates = [column for column in contract.features if column.type == "date"]
    yield from combinations(dates[:MOST_DATES], 2)


def _pairs_of(contract: Contract, column: Column) -> set[str]:
    """What a column is looked at as: itself, and its differences with other dates."""
    return {repr(column.name)} | {_difference(*pair) for pair in _pairs(contract) if column in pair}


def _difference(first: Column, second: Column) -> str:
    return f"the time from {first.name!r} to {second.name!r}"


def _leaks(values: pd.Series, target: pd.Series, ordered: bool, loose: bool = False) -> str:
    """How values give the target away, empty where they do not. `loose` is for some rows: they only refute a leak."""
    by_class = not pd.api.types.is_numeric_dtype(target)
    known = values.notna()
    if by_class and (told := _there_for_one(known, target, loose)):
        return told
    there, wanted = values[known], target[known]
    if len(there) < (3 if loose else FEWEST) or wanted.nunique() < 2 or there.nunique() < 2:
        return "" if not loose else "too few"
    if ordered and not by_class and _is_monotone(there, wanted, 0.99 if loose else ALIKE):
        return "one grows with the other in every row"
    if there.nunique() <= len(there) / (2 if loose and not ordered else 5):
        if by_class and _one_each(there, wanted):
            return "each of its values stands for one class"
        if not by_class and _in_ranges(wanted, there):
            return "each of its values stands for one range of the target"
    if ordered and by_class and _few_ranges(there, wanted, loose):
        return "ranges of its values stand for one class each"
    return ""


def _there_for_one(known: pd.Series, labels: pd.Series, loose: bool) -> str:
    """Whether a value is there, or missing, in rows of one class alone, and not by chance."""
    shares = labels.value_counts(normalize=True)
    for rows, told in ((known, "it has a value"), (~known, "it is missing")):
        inside = labels[rows]
        if 0 < len(inside) < len(labels) and inside.nunique() == 1:
            label = inside.iloc[0]
            if loose or (shares[label] ** len(inside) < CHANCE and len(inside) >= FEWEST):
                return f"{told} in rows of {label!r} alone"
    return ""


def _is_monotone(values: pd.Series, target: pd.Series, least: float) -> bool:
    """Whether target and values, or their ranks, are the same but for scale and direction."""
    numbers = values.astype("int64") if pd.api.types.is_datetime64_any_dtype(values) else values.astype("float64")
    return max(abs(numbers.corr(target)), abs(numbers.rank().corr(target.rank()))) > least


def _one_each(values: pd.Series, labels: pd.Series) -> bool:
    return len(pd.DataFrame({"value": values, "label": labels}).drop_duplicates()) == values.nunique()


def _in_ranges(numbers: pd.Series, groups: pd.Series) -> bool:
    """Whether each group has a range of the numbers for itself."""
    ranges = numbers.groupby(groups).agg(["min", "max"]).sort_values("min")
    return bool((ranges["max"].shift().dropna() < ranges["min"].iloc[1:]).all())


def _few_ranges(values: pd.Series, labels: pd.Series, loose: bool) -> bool:
    """Whether the class changes along the values far less often than by chance, and never among equal ones.

    By chance it changes in about n (1 - the sum of the squared shares) places: the test of runs.
    """
    along = pd.factorize(labels)[0][values.to_numpy().argsort(kind="stable")]
    changes = int((along[1:] != along[:-1]).sum())
    shares = labels.value_counts(normalize=True)
    by_chance = len(labels) * (1 - (shares**2).sum())
    few = changes <= max(len(shares) - 1, by_chance * (0.1 if loose else 0.02))
    return bool(few) and _one_each(values, labels)
