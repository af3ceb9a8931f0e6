"""Numbers as people's programs write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

CURRENCY = "[$€£¥₹₽₩₺₪฿₫₴]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|PLN|CZK|SEK|NOK|DKK|HUF|RUB|TRY|BRL|AUD|CAD)\\b"
SIGN = "[+\\-\N{MINUS SIGN}]?"
# A sign, brackets for a negative number, a currency before or after, a percent sign: only the digits are the number.
DRESSED = re.compile(
    rf"({SIGN})\s*(\()?\s*(?:{CURRENCY})?\s*({SIGN})\s*(\()?([\d.,'\u2019\s]*\d[.,]?)(\))?\s*(?:{CURRENCY}|%)?\s*(\))?(-)?"
)
# What may stand between thousands beside points and commas; it can mean nothing else.
SPACED = re.compile(r"\d{1,3}(?:(?P<mark>[ \u00a0\u202f\u2009'\u2019])\d{3})(?:(?P=mark)\d{3})*(?:[.,]\d*)?")


def bare(cell: str) -> str:
    """A number without what is no part of it: `(1 234,50) €` is `-1234,50`. Other cells are given back as they are."""
    found = DRESSED.fullmatch(cell.strip())
    if found is None:
        return cell
    before, opened, sign, inner, digits, closed, outer, after = found.groups()
    negative = [mark for mark in (before, sign, after) if mark not in ("", None, "+")] + [
        mark for mark in (opened, inner) if mark
    ]
    if bool(opened or inner) != bool(closed or outer) or len(negative) > 1:
        return cell
    if SPACED.fullmatch(digits):
        digits = re.sub("[\\s'\u2019]", "", digits)
    return ("-" if negative else "") + digits


def to_numbers(values: pd.Series, decimal: str = ".", thousands: str = "") -> pd.Series:
    """Cells as float64, without currency and percent signs; what is no number becomes NaN."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    if (quick := plain_numbers(values, decimal, thousands)) is not None:
        return quick
    codes, different = pd.factorize(values)
    numbers = pd.concat([_parsed(pd.Series(different), decimal, thousands), pd.Series([float("nan")])])
    return pd.Series(numbers.to_numpy()[codes], index=values.index)


def plain_numbers(values: pd.Series, decimal: str = ".", thousands: str = "") -> pd.Series | None:
    """Arrow's strings as numbers, NaN where they are empty; None where a cell is anything else than a plain number."""
    import pandas as pd

    if thousands or getattr(values.dtype, "storage", "") != "pyarrow":
        return None
    import pyarrow as arrow
    from pyarrow import compute

    texts = arrow.array(values)
    empty = compute.equal(texts, "")
    if compute.any(empty).as_py():
        texts = compute.if_else(empty, None, texts)
    if decimal != ".":
        texts = compute.replace_substring(texts, decimal, ".")
    try:
        numbers = texts.cast(arrow.float64())
    except arrow.ArrowInvalid:
        return None
    if compute.any(compute.is_nan(numbers)).as_py():
        return None
    return pd.Series(numbers.to_numpy(zero_copy_only=False), index=values.index)


def _parsed(values: pd.Series, decimal: str, thousands: str) -> pd.Series:
    """Different cells as numbers: strings by the file's style, numbers as they are."""
    import pandas as pd

    texts = values.map(lambda value: value if isinstance(value, str) else None).astype("str")
    numbers = _styled(texts, decimal, thousands)
    odd = numbers.isna() & texts.notna()
    if odd.any():
        numbers[odd] = _styled(texts[odd].map(bare), decimal, thousands)
    others = values[texts.isna() & values.notna()]
    numbers[others.index] = pd.to_numeric(others.map(_plain_number), errors="coerce").astype("float64")
    return numbers


def _plain_number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else str(value)


def _styled(values: pd.Series, decimal: str, thousands: str) -> pd.Series:
    import pandas as pd

    if thousands:
        mark = re.escape(thousands)
        values = values.str.replace(rf"(?<=\d)(?<!\b0){mark}(?=(\d\d{mark})*\d\d\d(?!\d))", "", regex=True)
        values = values.mask(values.str.contains(mark))  # 1.5 beside 1.500, which is one thousand and a half
    if decimal != ".":
        values = values.str.replace(decimal, ".", regex=False)
    return pd.to_numeric(values, errors="coerce").astype("float64")
