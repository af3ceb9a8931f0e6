"""The form in which a column's dates are written."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mlops_kit.contract.contract import Column
from mlops_kit.contract.dates import DAYS, TIMES, to_dates

LOOKED_AT = 60  # different cells that tell which forms are worth trying on all


@dataclass(frozen=True)
class Form:
    """How dates are written, the forms of day that fit as well, and the different cells as dates."""

    written: str
    fitting: tuple[str, ...]
    dates: pd.Series


def find_form(distinct: pd.Series) -> Form | None:
    """The form of most of the different cells of a column; None where most are no dates."""
    some = distinct.iloc[:: max(len(distinct) // LOOKED_AT, 1)].head(LOOKED_AT)
    dated = some[some.str.contains(r"\d", regex=True) & (some.str.len() <= 40)]
    if len(dated) <= len(some) / 2:
        return None
    shares = {}
    for day in DAYS:
        fits = pd.Series(False, index=dated.index)
        first = ""
        for time in TIMES:
            parsed = _parsed(dated, day + time).notna()
            first = first or (day + time if parsed.any() else "")
            fits |= parsed
            if fits.all():
                break
        if fits.mean() > 0.5:
            shares[day] = (fits.sum(), _most_common(dated, day))
    if not shares:
        return None
    most = max(count for count, _ in shares.values())
    forms = [written for count, written in shares.values() if count == most]
    return _whole(forms, distinct)


def _whole(forms: list[str], distinct: pd.Series) -> Form | None:
    """Of the forms that fit some cells best, those that fit all cells best."""
    tried = {written: to_dates(Column("", "date", format=written), distinct) for written in forms}
    counts = {written: int(dates.notna().sum()) for written, dates in tried.items()}
    most = max(counts.values())
    if most <= len(distinct) / 2:
        return None
    fitting = tuple(written for written, count in counts.items() if count == most)
    return Form(fitting[0], fitting, tried[fitting[0]])


def _most_common(texts: pd.Series, day: str) -> str:
    """The day with the form of time that most cells have."""
    return max((day + time for time in TIMES), key=lambda written: int(_parsed(texts, written).notna().sum()))


def _parsed(texts: pd.Series, written: str) -> pd.Series:
    return pd.to_datetime(texts, format=written, errors="coerce", utc="%z" in written)
