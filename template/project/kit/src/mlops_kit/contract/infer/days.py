"""The form in which a column's dates are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pandas as pd

from mlops_kit.contract.contract import Column
from mlops_kit.contract.dates import DAYS, TIMES, to_dates

LOOKED_AT = 60  # different cells that tell which forms are worth trying on all

NAME, NUMBER = r"[^\W\d]+", r"\d{1,2}"
PARTS = {"%Y": r"\d{4}", "%y": r"\d{2}", "%f": r"\d{1,9}", "%p": "[AaPp][Mm]", "%z": r"(?:Z|[+-]\d\d:?\d\d)"}
PARTS |= dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S"), NUMBER) | dict.fromkeys(("%a", "%b", "%B"), NAME)


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
    for day, times in _possible(dated).items():
        fits = pd.DataFrame({time: _parsed(dated, day + time).notna() for time in times})
        count = int(fits.any(axis=1).sum())
        if count > len(dated) / 2:
            shares[day] = (count, day + str(fits.sum().idxmax()))
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


def _possible(dated: pd.Series) -> dict[str, list[str]]:
    """The forms of day, and of time after it, that any of some cells looks like."""
    shapes = list({re.sub(r"\d", "0", text): text for text in dated}.values())
    found: dict[str, list[str]] = {}
    for day in DAYS:
        rests = [text[match.end() :] for text in shapes if (match := _pattern(day).match(text))]
        times = [time for time in TIMES if any(map(_pattern(time).fullmatch, rests))]
        if times:
            found[day] = times
    return found


@cache
def _pattern(written: str) -> re.Pattern[str]:
    """What a form looks like, whatever its numbers are."""
    return re.compile("".join(PARTS.get(part, re.escape(part)) for part in re.split(r"(%\w)", written)))


def _parsed(texts: pd.Series, written: str) -> pd.Series:
    return pd.to_datetime(texts, format=written, errors="coerce", utc="%z" in written)
