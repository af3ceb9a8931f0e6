"""A contract that was told from some rows of a file, as all of its rows need it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mlops_kit.contract.checks import typed_batches
from mlops_kit.contract.contract import Column, Contract
from mlops_kit.contract.infer.columns import MOST_CATEGORIES, bounds, refuse_infinite, share_of_missing
from mlops_kit.ground import doing


def widen(contract: Contract, path: Path) -> Contract:
    """A contract that was told from some rows of a file, as all of its rows need it."""
    rows, missing = 0, Counter[str]()
    telling: dict[str, list[pd.Series]] = {column.name: [] for column in contract.features}
    for frame in typed_batches(contract, path):
        rows += len(frame)
        doing("look for bounds and categories", rows)
        missing.update({str(column): int(number) for column, number in frame.isna().sum().items()})
        for column in contract.features:
            telling[column.name].append(_telling(frame[column.name], column))
    widened = {
        column.name: _widened(column, pd.concat(telling[column.name]), share_of_missing(missing[column.name] / rows))
        for column in contract.features
    }
    return replace(contract, columns=tuple(widened.get(column.name, column) for column in contract.columns))


def _telling(values: pd.Series, column: Column) -> pd.Series:
    """Of a batch of a column's values, the few that its row in the contract depends on."""
    if column.categories:
        return values.drop_duplicates().dropna()
    if column.type not in ("numeric", "date") or not values.notna().any():
        return values[:0]
    ends = [values.min(), values.max()]
    if column.integer:
        ends += values[values % 1 != 0].dropna().head(1).tolist()
    return pd.Series(ends, dtype=values.dtype)


def _widened(column: Column, values: pd.Series, nulls: float) -> Column:
    column = replace(column, nulls=nulls)
    if column.type == "numeric":
        refuse_infinite(values, column.name)
        whole = column.integer and bool((values % 1 == 0).all())
        return replace(column, integer=whole, **bounds(values))
    if column.type == "date":
        return replace(column, minimum=values.min().date())
    distinct = tuple(sorted(values.unique()))
    if len(distinct) > MOST_CATEGORIES:
        return replace(column, type="text", categories=())
    return replace(column, categories=distinct)
