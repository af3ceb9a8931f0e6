"""Rows from anywhere in the contract's types: float64, datetime64 and str, with NaN, NaT and None where values miss."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlops_kit.contract.errors import ContractError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlops_kit.contract.contract import Column, Contract

# A currency before a number, or a currency or percent sign after it, is no part of it.
MARKS = r"^\s*([+-]?)\s*[$€£¥]?\s*([\d.]+)\s*[%$€£¥]?\s*$"


def coerce(contract: Contract, rows: pd.DataFrame, with_target: bool) -> pd.DataFrame:
    """Pick the contract's columns and give them its types. A value that does not fit raises ContractError."""
    import pandas as pd

    wanted = contract.columns if with_target else contract.features
    absent = [column.name for column in wanted if column.name not in rows.columns]
    if absent:
        raise ContractError(f"Missing columns: {', '.join(absent)}.", "contract.yaml lists what is expected.")
    return pd.DataFrame({column.name: convert(contract, column, rows[column.name]) for column in wanted}, copy=False)


def convert(contract: Contract, column: Column, values: pd.Series) -> pd.Series:
    """One column in the contract's type. Raises ContractError that shows the first value that does not fit."""
    import pandas as pd

    if column.missing and not pd.api.types.is_numeric_dtype(values):
        values = values.mask(values.isin(column.missing))
    if column.name == contract.target and column.categories:
        return _to_labels(column, values)
    if column.type in ("categorical", "text"):
        texts = values if pd.api.types.is_string_dtype(values) else values.map(str, na_action="ignore")
        return texts.astype(object).where(values.notna(), None)
    if column.type == "date":
        converted = _to_dates(column, values)
    elif pd.api.types.is_numeric_dtype(values):  # bool too
        converted = values.astype("float64")
    elif column.type == "boolean":
        spellings = {
            **dict.fromkeys(column.true_values, 1.0),
            **dict.fromkeys(column.false_values, 0.0),
            "True": 1.0,
            "False": 0.0,
        }
        converted = values.map(str, na_action="ignore").map(spellings).astype("float64")
    else:
        converted = to_numbers(values, contract.source.decimal, contract.source.thousands)
    unreadable = values.notna() & converted.isna()
    if unreadable.any():
        example = values[unreadable].iloc[0]
        raise ContractError(f"Column {column.name!r}: {example!r} is no {column.type} value ({unreadable.sum()} such).")
    return converted


def to_numbers(values: pd.Series, decimal: str = ".", thousands: str = "") -> pd.Series:
    """Strings as float64, without currency and percent signs; what is no number becomes NaN."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    if thousands or decimal != ".":
        values = values.astype("str")
        if thousands:
            mark = re.escape(thousands)
            values = values.str.replace(rf"(?<=\d)(?<!\b0){mark}(?=\d\d\d(?!\d))", "", regex=True)
            values = values.mask(values.str.contains(mark))  # 1.5 beside 1.500, which is one thousand and a half
        if decimal != ".":
            values = values.str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    odd = values[numbers.isna() & values.notna()]
    if odd.empty:
        return numbers
    bare = odd.astype("str").str.replace(MARKS, r"\1\2", regex=True)
    return numbers.fillna(pd.to_numeric(bare, errors="coerce").astype("float64"))


def _to_dates(column: Column, values: pd.Series) -> pd.Series:
    """Dates as the file writes them or in ISO 8601, those with a time zone in UTC; what is no date becomes NaT."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return _in_utc(values)
    written = values.mask(values.isin(("now", "today")))  # to pandas these are dates, which change while it runs
    zoned = not column.format or "%z" in column.format
    dates = _in_utc(pd.to_datetime(written, format=column.format or "ISO8601", errors="coerce", utc=zoned))
    others = written.where(dates.isna())
    if others.notna().any():  # a caller may send ISO dates, whatever the file has
        dates = dates.fillna(_in_utc(pd.to_datetime(others, format="ISO8601", errors="coerce", utc=True)))
    return dates


def _in_utc(dates: pd.Series) -> pd.Series:
    """Dates without a time zone: those that have one are moved to UTC, the others stay as they are."""
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return dates.astype("datetime64[us]")


def _to_labels(column: Column, values: pd.Series) -> pd.Series:
    """The target's classes as they are in the contract: whole numbers, booleans or strings; missing stays None."""
    labels = {str(label): label for label in column.categories}
    if all(isinstance(label, int) and not isinstance(label, bool) for label in column.categories):
        labels |= {str(float(label)): label for label in column.categories}
    texts = values.map(str, na_action="ignore").astype(object)
    unknown = sorted(set(texts.dropna()) - set(labels))
    if unknown:
        raise ContractError(f"Target {column.name!r}: {unknown[0]!r} is none of the contract's classes.")
    return texts.map(labels).astype(object).where(values.notna(), None)


def row_hashes(contract: Contract, rows: pd.DataFrame) -> np.ndarray:
    """What tells whether rows are equal in all features: uint64, shape (rows,)."""
    import pandas as pd

    features = rows[[column.name for column in contract.features]]
    found: np.ndarray = pd.util.hash_pandas_object(features, index=False).to_numpy()
    return found
