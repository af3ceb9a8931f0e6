"""Columns that give the target away: they would not be known when a prediction is made."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.contract import Column, Contract
from mlops_kit.contract.infer.findings import Findings

FEW = 5000  # rows that tell most columns from a leak


def warn_of_leaks(contract: Contract, cells: pd.DataFrame, found: Findings) -> None:
    """Warn of a column that gives the target away. `cells` are the rows as they stand in the file."""
    few = coerce(contract, cells.iloc[:: max(len(cells) // FEW, 1)], with_target=True)
    suspects = [column for column in contract.features if _may_leak(contract, column, few)]
    if not suspects:
        return
    frame = coerce(replace(contract, columns=(*suspects, contract.target_column)), cells, with_target=True)
    target = frame[contract.target]
    for column in suspects:
        values = frame[column.name]
        if contract.problem == "regression":
            leaks = column.type == "numeric" and abs(_correlation(values, target)) > 0.9999
        else:
            leaks = _tells(values, target, column.type)
        if leaks:
            found.warn(f"{column.name!r} gives {contract.target!r} away: leave it out if it is not known beforehand")


def _may_leak(contract: Contract, column: Column, few: pd.DataFrame) -> bool:
    """Whether some rows leave it possible: what they refute does not hold of all."""
    values, target = few[column.name], few[contract.target]
    if contract.problem == "regression":
        correlation = abs(_correlation(values, target)) if column.type == "numeric" else 0.0
        return correlation > 0.99 or (column.type == "numeric" and len(few) < 100)
    known = values.notna() & target.notna()
    values, labels = values[known], target[known].astype("str")
    return labels.nunique() < 2 or (
        _in_ranges(values, labels) if column.type in RANGED else _one_label_each(values, labels)
    )


RANGED = ("numeric", "boolean", "date")


def _correlation(values: pd.Series, target: pd.Series) -> float:
    known = values.notna() & target.notna()
    if known.sum() < 3 or values[known].nunique() < 2:
        return 0.0
    return float(values[known].corr(target[known].astype("float64")))


def _tells(values: pd.Series, target: pd.Series, kind: str) -> bool:
    """Whether every value stands for one class: value by value, or in ranges that do not overlap."""
    known = values.notna()
    values, labels = values[known], target[known].astype("str")
    if len(values) < 20 or labels.nunique() < 2:
        return False
    if kind in RANGED:
        return _in_ranges(values, labels)
    return values.nunique() <= len(values) / 5 and _one_label_each(values, labels)


def _in_ranges(values: pd.Series, labels: pd.Series) -> bool:
    ranges = values.groupby(labels).agg(["min", "max"]).sort_values("min")
    return bool((ranges["max"].shift().dropna() < ranges["min"].iloc[1:]).all())


def _one_label_each(values: pd.Series, labels: pd.Series) -> bool:
    return bool((labels.groupby(values).nunique() == 1).all())
