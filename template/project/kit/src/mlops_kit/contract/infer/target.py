"""The column to predict: its classes or its numbers, and the problem that it poses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from mlops_kit.contract.contract import Column, Source
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer.cells import Cells, examples, quoted
from mlops_kit.contract.infer.columns import MOST_ODD, all_bools, bounds
from mlops_kit.contract.infer.findings import Findings
from mlops_kit.contract.numbers import to_numbers

MOST_CLASSES = 100
SMALLEST_CLASS = 5  # fewer rows cannot be in the training and the test part both
REGRESSION = "--data problem=regression"


def describe_target(cells: Cells, problem: str | None, source: Source, found: Findings) -> tuple[Column, str, int]:
    """The target's column, the problem, and the rows that have one.

    Raises ContractError for a target that nothing can be learnt from.
    """
    cells.say_missing(found)
    values, name = cells.present, cells.name
    if values.empty:
        raise ContractError(f"The target {name!r} has no value in any row.", "Choose another column.")
    values = values.astype(bool) if all_bools(values) else values
    numbers = to_numbers(values, source.decimal, source.thousands) if _may_be_numbers(values) else None
    marks: tuple[str, ...] | None = None
    if numbers is not None and (odd := _odd(values, numbers, problem)) is not None:
        marks = tuple(sorted(odd.drop_duplicates().map(str)))
        found.warn(f"{name!r}: {len(odd)} cells hold {quoted(marks)} among numbers, read as missing")
        values, numbers = values.drop(odd.index), numbers.drop(odd.index)
    if any(cells.words):
        found.info("a class that is called so is kept where `--missing` lists other words, or none")
    if len(values) < cells.rows:
        found.warn(f"{cells.rows - len(values)} rows without a target are left out")
    column, problem = _described(values, numbers, name, problem)
    return (column if marks is None else replace(column, missing=marks)), problem, len(values)


def _odd(values: pd.Series, numbers: pd.Series, problem: str | None) -> pd.Series | None:
    """The few cells that are no numbers in a column of many different ones; None where there are none."""
    odd = values[numbers.isna()]
    many = numbers.nunique() > max(MOST_ODD, len(values) // 10) or problem == "regression"
    few = len(odd) <= len(values) / 20 and odd.nunique() <= 3
    return odd if len(odd) and many and few else None


def _described(values: pd.Series, numbers: pd.Series | None, name: str, problem: str | None) -> tuple[Column, str]:
    distinct = values.nunique()
    if distinct == 1:
        raise ContractError(f"The target {name!r} has only one value, {values.iloc[0]!r}.", "Choose another column.")
    numeric = numbers is not None and bool(numbers.notna().all())
    whole = numeric and numbers is not None and bool((numbers % 1 == 0).all())
    few = distinct <= max(2, min(20, len(values) // 10))
    problem = problem or ("regression" if numeric and not (whole and few) else "classification")
    if problem == "regression":
        if not numeric or numbers is None:
            raise ContractError(
                f"The target {name!r} is not a number in every row{_but(values, numbers)}.",
                "Correct it, or choose another column.",
            )
        if not all(map(math.isfinite, (numbers.min(), numbers.max()))):
            raise ContractError(f"The target {name!r} has infinite values.", "Remove those rows.")
        return Column(name, "numeric", integer=whole, **bounds(numbers)), problem
    return _classes(values, numbers, name, numeric), problem


def _but(values: pd.Series, numbers: pd.Series | None) -> str:
    """Which cells are no numbers, where most are."""
    if numbers is None or numbers.notna().mean() <= 0.5:
        return ""
    odd = values[numbers.isna()]
    return f": {len(odd)} of {len(values)} cells are not, such as {examples(odd)} (row {odd.index[0] + 1} of the data)"


def _classes(values: pd.Series, numbers: pd.Series | None, name: str, numeric: bool) -> Column:
    """The target of a classification. Raises ContractError for classes that are too many or too small."""
    whole = numeric and numbers is not None and bool((numbers % 1 == 0).all()) and _written_as_whole(values, numbers)
    labels = _labels(numbers if whole else values, whole)
    distinct = values.nunique()
    advice = f", or {REGRESSION}" * numeric
    if not numeric and (but := _but(values, numbers)) and distinct > MOST_ODD:
        raise ContractError(f"The target {name!r} holds numbers, but not in every row{but}.", "Correct those cells.")
    if distinct == len(values) or len(labels) > MOST_CLASSES:
        how = "is different in every row" if distinct == len(values) else f"has {distinct} classes"
        raise ContractError(f"The target {name!r} {how}.", f"Choose a column of few classes{advice}.")
    sizes = (numbers if whole and numbers is not None else values).value_counts()
    small = [str(label).removesuffix(".0" * whole) for label, size in sizes.items() if size < SMALLEST_CLASS]
    if small:
        listed = ", ".join(sorted(small)[:10]) + (f" and {len(small) - 10} more" if len(small) > 10 else "")
        raise ContractError(
            f"Classes of {name!r} with fewer than {SMALLEST_CLASS} rows cannot be split: {listed}.",
            f"Merge them with others, leave their rows out{advice}.",
        )
    return Column(name, "categorical", categories=labels)


def _written_as_whole(values: pd.Series, numbers: Any) -> bool:
    """Whether each label is written as the whole number that it is: 1 or 1.0, but not 01."""
    spelled = {str(value) for value in values.unique()}
    whole = {int(number) for number in numbers.unique()}
    return spelled <= {str(number) for number in whole} | {str(float(number)) for number in whole}


def _may_be_numbers(values: pd.Series) -> bool:
    return not (pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values))


def _labels(values: Any, whole: bool) -> tuple[Any, ...]:
    """The classes in order: whole numbers as int, booleans as they are, everything else as strings."""
    distinct = values.unique()
    if whole:
        return tuple(sorted(int(value) for value in distinct))
    if pd.api.types.is_bool_dtype(values):
        return (False, True)
    return tuple(sorted(str(value) for value in distinct))
