"""Which words mean "no value", and what a cell of words means: one rule for CSV, Parquet, JSON and the service.

The words of a column are those that its `missing` lists in contract.yaml, else those of `source.missing`, else the
usual ones. Two things hold whatever is listed: a value that is among a column's categories is that category, and a
cell with nothing in it is missing. Blanks around a word are no part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract.contract import Column, Source

# Cells that mean "no value" where contract.yaml lists no words.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")


def words_for_missing(source: Source, column: Column) -> frozenset[str]:
    """The words that are read as missing in a column.

    In columns of numbers, truths and dates a column's own words come on top of the file's, which can be no values
    there. In contracts without `source.missing`, written before there was such a setting, they always do.
    """
    of_file = MISSING if source.missing is None else source.missing
    own = column.missing
    if own is None:
        words: tuple[str, ...] = of_file
    elif own and (source.missing is None or column.type in ("numeric", "boolean", "date")):
        words = (*of_file, *own)
    else:
        words = own
    known = {str(value) for value in (*column.categories, *column.true_values, *column.false_values)}
    return frozenset({"", *(word.strip() for word in words)} - known)


def numbers_for_missing(source: Source, column: Column) -> list[float]:
    """Those of the words that are numbers, such as -999."""
    return [number for word in words_for_missing(source, column) if math.isfinite(number := _number(word))]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def word_reader(source: Source, column: Column) -> Callable[[Any], Any]:
    """A function from a cell to its category, label or text; None where it is missing."""
    words = words_for_missing(source, column)
    known = _spellings(column)

    def read(value: Any) -> Any:
        if value is None or value != value:
            return None
        text = value if isinstance(value, str) else str(value)
        if text in known:
            return known[text]
        bare = text.strip()
        if bare in known:
            return known[bare]
        if not isinstance(value, str) and (other := _as_whole(value)) in known:
            return known[other]
        return None if bare in words else text

    return read


def _spellings(column: Column) -> dict[str, Any]:
    """The texts that stand for each category, and the category."""
    known: dict[str, Any] = {}
    for value in column.categories:
        spelled = [str(value), str(value).strip()]
        if isinstance(value, bool):
            spelled.append(str(value).lower())
        elif isinstance(value, int):
            spelled.append(str(float(value)))
        for text in spelled:
            known.setdefault(text, value)
    return {**known, **{str(value): value for value in column.categories}}


def _as_whole(value: Any) -> str:
    """How a category may be written that came as 1.0 for 1, or as a truth for `true`."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    return str(value).lower()


def each_word(values: pd.Series, read: Callable[[Any], Any]) -> pd.Series:
    """A function of single cells on a column, called once for each different cell: objects, shape (rows,)."""
    import numpy as np
    import pandas as pd

    if values.dtype == object:  # 1, True and "1" are different cells, whatever their hashes say
        return pd.Series([read(value) for value in values], index=values.index, dtype=object)
    codes, different = pd.factorize(values)
    found = np.empty(len(different) + 1, dtype=object)
    found[:-1] = [read(value) for value in different]
    return pd.Series(found[codes], index=values.index, dtype=object)  # -1, missing, is the last one: None
