"""Rows from anywhere in the contract's types: float64, datetime64 and str, with NaN, NaT and None where values miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_kit.contract.dates import to_dates
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.missing import each_word, numbers_for_missing, word_reader, words_for_missing
from mlops_kit.contract.numbers import plain_numbers, to_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    import pandas as pd

    from mlops_kit.contract.contract import Column, Contract, Source


def plain_name(name: str) -> str:
    """A column's name without the blanks around it and the mark of a comment before it."""
    return name.strip().lstrip("#").strip()


def coerce(contract: Contract, rows: pd.DataFrame, with_target: bool) -> pd.DataFrame:
    """Pick the contract's columns and give them its types. A value that does not fit raises ContractError."""
    import pandas as pd

    wanted = contract.columns if with_target else contract.features
    names = _names(rows.columns)
    absent = [column.name for column in wanted if column.name not in names]
    if absent:
        raise ContractError(f"Missing columns: {', '.join(absent)}.", "contract.yaml lists what is expected.")
    read = {column.name: convert(contract, column, rows[names[column.name]]) for column in wanted}
    return pd.DataFrame(read, copy=False)


def _names(columns: Iterable[Any]) -> dict[str, Any]:
    """The columns by their names, and by their plain names where no other has that name."""
    listed = list(columns)
    return {plain_name(str(name)): name for name in reversed(listed)} | {name: name for name in listed}


def convert(contract: Contract, column: Column, values: pd.Series) -> pd.Series:
    """One column in the contract's type. Raises ContractError that shows the first value that does not fit."""
    if column.name == contract.target and column.categories:
        return _to_labels(contract, column, values)
    if column.type in ("categorical", "text"):
        return each_word(values, word_reader(contract.source, column))
    converted, missing = _typed(contract.source, column, values)
    unreadable = ~missing & converted.isna()
    if unreadable.any():
        example = values[unreadable].iloc[0]
        raise ContractError(f"Column {column.name!r}: {example!r} is no {column.type} value ({unreadable.sum()} such).")
    return converted


def _typed(source: Source, column: Column, values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers, truths or dates, and where they are missing on purpose: both of shape (rows,)."""
    import pandas as pd

    marks = numbers_for_missing(source, column) if column.type == "numeric" else []
    if pd.api.types.is_numeric_dtype(values) and column.type != "date":  # bool too
        numbers = values.astype("float64")
        missing = numbers.isna()
        if not marks:
            return numbers, missing
        missing |= numbers.isin(marks)
        return numbers.mask(missing), missing
    if column.type == "numeric":
        quick = plain_numbers(values, source.decimal, source.thousands)
        if quick is not None and not (marks and quick.isin(marks).any()):
            return quick, quick.isna()
    missing = values.isna() | _words(values).isin(words_for_missing(source, column))
    present = values.mask(missing)
    if column.type == "date":
        return to_dates(column, present), missing
    if column.type == "boolean":
        return each_word(present, truth_reader(column)).astype("float64"), missing
    numbers = to_numbers(present, source.decimal, source.thousands)
    missing |= numbers.isin(marks)
    return numbers.mask(missing), missing


def _words(values: pd.Series) -> pd.Series:
    """The cells that are words, without blanks around them."""
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):
        return values.str.strip()
    return values.map(lambda value: value.strip() if isinstance(value, str) else None).astype(object)


def truth_reader(column: Column) -> Callable[[Any], float | None]:
    """A function from a cell to 1, 0 or None, for what is neither; capitals and blanks around a word do not matter."""
    exact = {**dict.fromkeys(column.true_values, 1.0), **dict.fromkeys(column.false_values, 0.0)}
    plain = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
    plain |= {word.strip().lower(): truth for word, truth in exact.items()}

    def read(value: Any) -> float | None:
        if value is None or value != value:
            return None
        text = str(value)
        return exact[text] if text in exact else plain.get(text.strip().lower())

    return read


def _to_labels(contract: Contract, column: Column, values: pd.Series) -> pd.Series:
    """The target's classes as they are in the contract: whole numbers, booleans or strings; missing stays None."""
    labels = each_word(values, word_reader(contract.source, column))
    known = set(column.categories)
    unknown = sorted({str(label) for label in labels.dropna().unique() if label not in known})
    if unknown:
        raise ContractError(f"Target {column.name!r}: {unknown[0]!r} is none of the contract's classes.")
    return labels


def row_hashes(contract: Contract, rows: pd.DataFrame) -> np.ndarray:
    """A hash of each typed row, by which rows with equal features are found: uint64, shape (rows,)."""
    import pandas as pd

    features = rows[[column.name for column in contract.features]]
    found: np.ndarray = pd.util.hash_pandas_object(features, index=False).to_numpy()
    return found
