"""Dates as people's programs write them: a form of day, with or without a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract.contract import Column

DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y"),
    *("%B %d, %Y", "%b %d %Y", "%a %d %b %Y", "%a, %d %b %Y", "%b %Y", "%Y-%m"),
)
TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%S%z", " %H:%M:%S%z"),
    *("T%H:%M:%S.%f%z", " %H:%M:%S.%f%z", " %H:%M:%S %z", ":%H:%M:%S %z", ", %H:%M", ", %H:%M:%S"),
    *(" %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p", " %I %p", ", %I:%M %p", ", %I:%M:%S %p"),
)


def to_dates(column: Column, values: pd.Series) -> pd.Series:
    """Dates as the file writes them or in ISO 8601, those with a time zone in UTC; what is no date becomes NaT."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return in_utc(values)
    codes, different = pd.factorize(values)
    dates = _parsed(column.format, pd.Series(different, dtype=None if len(different) else object))
    found = pd.concat([dates, pd.Series([pd.NaT], dtype=dates.dtype)])
    return pd.Series(found.to_numpy()[codes], index=values.index)  # -1, missing, is the last one: NaT


def _parsed(written_as: str, values: pd.Series) -> pd.Series:
    """Different cells as dates."""
    import pandas as pd

    texts = values.map(lambda value: value.strip() if isinstance(value, str) else value)
    texts = texts.mask(texts.isin(("now", "today")))  # to pandas these are dates, which change while it runs
    zoned = not written_as or "%z" in written_as
    dates = in_utc(pd.to_datetime(texts, format=written_as or "ISO8601", errors="coerce", utc=zoned))
    for other in ("ISO8601", *other_times(written_as)):  # a caller may send ISO dates, whatever the file has
        left = texts[dates.isna() & texts.notna()]
        if left.empty:
            break
        dates[left.index] = in_utc(pd.to_datetime(left, format=other, errors="coerce", utc=True))
    return dates


def other_times(written_as: str) -> list[str]:
    """The same form of day with other forms of time, or with none."""
    days = [day for day in DAYS if written_as.startswith(day) and written_as.removeprefix(day) in TIMES]
    return [days[0] + time for time in TIMES if days[0] + time != written_as] if days else []


def in_utc(dates: pd.Series) -> pd.Series:
    """Dates without a time zone: those that have one are moved to UTC, the others stay as they are."""
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return dates.astype("datetime64[us]")
