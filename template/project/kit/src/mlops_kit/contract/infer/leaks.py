"""Columns that give the target away: they would not be known when a prediction is made."""

from __future__ import annotations

import pandas as pd

from mlops_kit.contract.contract import Contract
from mlops_kit.contract.infer.findings import Findings


def warn_of_leaks(contract: Contract, frame: pd.DataFrame, found: Findings) -> None:
    """Warn of a column that gives the target away: it would not be known when a prediction is made."""
    target = frame[contract.target]
    for column in contract.features:
        values = frame[column.name]
        if contract.problem == "regression":
            leaks = column.type == "numeric" and abs(_correlation(values, target)) > 0.9999
        else:
            leaks = _tells(values, target, column.type)
        if leaks:
            found.warn(f"{column.name!r} gives {contract.target!r} away: leave it out if it is not known beforehand")


def _correlation(values: pd.Series, target: pd.Series) -> float:
    known = values.notna()
    if known.sum() < 3 or values[known].nunique() < 2:
        return 0.0
    return float(values[known].corr(target[known].astype("float64")))


def _tells(values: pd.Series, target: pd.Series, kind: str) -> bool:
    """Whether every value stands for one class: value by value, or in ranges that do not overlap."""
    known = values.notna()
    values, labels = values[known], target[known].astype("str")
    if len(values) < 20 or labels.nunique() < 2:
        return False
    if kind in ("numeric", "boolean", "date"):
        ranges = values.groupby(labels).agg(["min", "max"]).sort_values("min")
        return bool((ranges["max"].shift().dropna() < ranges["min"].iloc[1:]).all())
    distinct = values.nunique()
    return distinct <= len(values) / 5 and bool((labels.groupby(values).nunique() == 1).all())
