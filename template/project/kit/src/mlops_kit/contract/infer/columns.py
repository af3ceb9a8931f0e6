"""What a column is: its type and what is expected of it, or the reason why it is left out.

A column of which most cells are numbers or dates is one of numbers or dates; the odd cells are named, and listed as
missing where they are few different words. Nothing is left out because it does not fit whole.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pandas as pd

from mlops_kit.contract.contract import Column, Source
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer.cells import Cells, examples, look_at, quoted
from mlops_kit.contract.infer.days import find_form
from mlops_kit.contract.infer.findings import Findings, listed
from mlops_kit.contract.numbers import bare, to_numbers

MOST_CATEGORIES = 250  # scikit-learn's histogram boosting takes at most 255
MOST_ODD = 20  # different words that are listed as missing among numbers or dates
EXACT = 2**53  # up to here float64 holds every whole number
MOST_SPELLINGS = 12  # of a truth
TRUTHS = {
    "true": "false",
    "yes": "no",
    "y": "n",
    "t": "f",
    "ja": "nein",
    "oui": "non",
    "on": "off",
    "si": "no",
    "sí": "no",
    "1": "0",
}
ID_NAME = re.compile(r"(^|[_\s.-])(id|uuid|guid|key|index|idx|nr|no|number)$|Id$|ID$", re.UNICODE)
# One word a row is an identifier where it is built as such: a counter behind letters, hexadecimal digits, an address.
ID_SHAPE = (
    r"[A-Za-z#]+[-_/:.]?\d+|[0-9A-Fa-f]{8,}(-[0-9A-Fa-f]{2,})*|\S+@\S+\.\S+|https?://\S+|0\d+|\d{4,}(-\d+)*"
    r"|[A-Za-z]{1,4}[-_]?\d+([-_/]\w+)*|(?=\S*[A-Za-z])(?=\S*\d)[A-Za-z0-9_-]{8,}"
)
CLOCK = r"\d+:\d\d(:\d\d([.,]\d+)?)?"
WITH_UNIT = re.compile(r"[^\w\s]{0,3}\d[\d.,:]*\s*([^\d\s]{1,6}|)$")


def describe(values: pd.Series, name: str, source: Source, found: Findings) -> Column | str:
    """The column's row in the contract, or the reason why it is left out."""
    if not name.strip():
        return "unnamed"
    cells = look_at(values, name, source)
    present = cells.present
    cells.say_missing(found)
    if present.empty:
        return "empty"
    if present.head(1000).nunique() == 1 and present.nunique() == 1 and len(present) == len(values):
        return "constant"
    nulls = share_of_missing(cells.nulls)
    if pd.api.types.is_datetime64_any_dtype(values):
        return Column(name, "date", nulls, minimum=present.min().date())
    if pd.api.types.is_bool_dtype(present) or all_bools(present):
        return Column(name, "boolean", nulls)
    if pd.api.types.is_numeric_dtype(values):
        return _numeric(present.astype("float64"), name, nulls, present, found)
    texts = present if isinstance(present.dtype, pd.StringDtype) else present.map(str).astype("str")
    cells = replace(cells, present=texts)
    return (
        _described_boolean(cells, found)
        or _described_number(cells, source, found)
        or _described_date(cells, found)
        or _described_text(cells, found)
    )


def all_bools(values: pd.Series) -> bool:
    """Whether a column of objects holds nothing but truths."""
    return values.dtype == object and all(isinstance(value, bool) for value in values)


def share_of_missing(nulls: float) -> float:
    """The share of missing values that is accepted: half as much again as was seen, rounded up to a hundredth."""
    return min(1.0, math.ceil(round(nulls * 150, 9)) / 100)


def bounds(numbers: pd.Series) -> dict[str, Any]:
    """What was seen, with a tenth of the range to spare; a bound never crosses zero."""
    finite = numbers[numbers.abs() != math.inf]
    low, high = float(finite.min()), float(finite.max())
    spare = (high - low) / 10
    least = max(low - spare, 0.0) if low >= 0 else low - spare
    most = min(high + spare, 0.0) if high <= 0 else high + spare
    digits = 3 - math.floor(math.log10(spare)) if spare > 0 else 6
    least = min(low, round(least, digits))
    most = max(high, round(most, digits))
    whole = bool((finite % 1 == 0).all())
    return {"minimum": math.floor(least) if whole else least, "maximum": math.ceil(most) if whole else most}


def refuse_infinite(numbers: pd.Series, name: str) -> None:
    """Raise for infinite values: no bound can be told from them."""
    if numbers.abs().eq(math.inf).any():
        raise ContractError(
            f"Column {listed([repr(name)])} has infinite values.", "Replace them, or leave the cells empty."
        )


def _numeric(numbers: pd.Series, name: str, nulls: float, written: pd.Series, found: Findings) -> Column | str:
    """A column of numbers. `written` is what they were before they became float64, which rounds large ones."""
    whole = bool((numbers % 1 == 0).all())
    rounded = whole and bool(numbers.abs().max() > EXACT) and _are_integers(written)
    told = written if rounded else numbers
    different = len(told) >= 20 and told.head(1000).is_unique and told.is_unique
    named = rounded or (not nulls and (ID_NAME.search(name) or (_counts_rows(numbers) and _are_integers(written))))
    if whole and different and named:
        return "identifier"
    refuse_infinite(numbers, name)
    if rounded:
        found.warn(f"{name!r} has numbers beyond {EXACT}, which are rounded: leave it out if they are identifiers")
    return Column(name, "numeric", nulls, integer=whole, **bounds(numbers))


def _counts_rows(numbers: pd.Series) -> bool:
    """Whether numbers are 0, 1, 2 and so on, from 0 or 1: later ones may be years."""
    return bool(numbers.iloc[0] in (0, 1) and (numbers.diff().iloc[1:] == 1).all())


def _are_integers(written: pd.Series) -> bool:
    """Whether whole numbers are what is written: 10 or "10", but not 1e20, a measurement."""
    if pd.api.types.is_numeric_dtype(written):
        return pd.api.types.is_integer_dtype(written)
    return bool(written.str.fullmatch(r"\s*[+-]?\d+\s*").all())


def _described_boolean(cells: Cells, found: Findings) -> Column | None:
    if cells.present.head(1000).nunique() > MOST_SPELLINGS:
        return None
    spellings = sorted(cells.present.unique())
    lowered = {spelling.lower() for spelling in spellings}
    if lowered <= {"1", "0"}:  # numbers, where no word is among them
        return None
    pairs = [(true, false) for true, false in TRUTHS.items() if true in lowered or false in lowered]
    if not (lowered <= {word for pair in pairs for word in pair} and lowered & set(TRUTHS) and lowered - set(TRUTHS)):
        return None
    trues = tuple(spelling for spelling in spellings if spelling.lower() in TRUTHS)
    falses = tuple(spelling for spelling in spellings if spelling.lower() not in TRUTHS)
    if len(spellings) > 2:
        found.info(f"{cells.name!r}: {quoted(trues)} are read as true, {quoted(falses)} as false")
    return Column(cells.name, "boolean", share_of_missing(cells.nulls), true_values=trues, false_values=falses)


def _described_number(cells: Cells, source: Source, found: Findings) -> Column | str | None:
    name, texts = cells.name, cells.present
    numbers = to_numbers(texts, source.decimal, source.thousands)
    good = numbers.notna()
    if good.mean() <= 0.5 or _are_codes(texts, name, found):
        return None
    odd = texts[~good]
    if odd.empty:
        return _numeric(numbers, name, share_of_missing(cells.nulls), texts, found)
    marks = odd.drop_duplicates()
    if texts.nunique() <= MOST_ODD and len(odd) > len(texts) / 20:
        found.warn(f"{name!r} has numbers and {len(odd)} cells such as {examples(odd)}: all are read as categories")
        return None
    if len(marks) > MOST_ODD:
        found.warn(_says_odd(name, "numbers", texts, odd))
        return None
    found.warn(f"{name!r}: {len(odd)} cells hold {quoted(sorted(marks))} among numbers, read as missing")
    nulls = share_of_missing(1 - good.sum() / cells.rows)
    described = _numeric(numbers[good], name, nulls, texts[good], found)
    return replace(described, missing=tuple(sorted(marks))) if isinstance(described, Column) else described


def _are_codes(texts: pd.Series, name: str, found: Findings) -> bool:
    """Whether numbers are codes such as 007: their zeros mean something."""
    zeros = texts.str.fullmatch(r"0\d+")
    if not zeros.any():
        return False
    if zeros.mean() >= 0.01 or texts.str.len().nunique() == 1:
        return True
    found.warn(
        f"{name!r}: {zeros.sum()} of {len(texts)} cells begin with a zero, such as {examples(texts[zeros])}: "
        "read as numbers"
    )
    return False


def _says_odd(name: str, kind: str, texts: pd.Series, odd: pd.Series) -> str:
    return (
        f"{name!r}: {len(texts) - len(odd)} of {len(texts)} cells are {kind}, {len(odd)} are not, such as "
        f"{examples(odd)}: the column is read as words. Correct those cells to use it as {kind}"
    )


def _described_date(cells: Cells, found: Findings) -> Column | None:
    name, texts = cells.name, cells.present
    distinct = pd.Series(texts.unique())
    form = find_form(distinct)
    if form is None:
        return None
    odd = texts[texts.isin(distinct[form.dates.isna()])]
    marks = odd.drop_duplicates()
    if len(marks) > MOST_ODD:
        found.warn(_says_odd(name, "dates", texts, odd))
        return None
    if len(form.fitting) > 1:
        found.warn(f"{name!r}: the dates could be {' or '.join(form.fitting)}, read as {form.fitting[0]}")
    minimum = form.dates.min().date()
    if odd.empty:
        return Column(name, "date", share_of_missing(cells.nulls), minimum=minimum, format=form.written)
    found.warn(
        f"{name!r}: {len(texts) - len(odd)} of {len(texts)} are dates, {len(odd)} are not, such as {examples(odd)}, "
        "read as missing"
    )
    nulls = share_of_missing(1 - (len(texts) - len(odd)) / cells.rows)
    return Column(name, "date", nulls, minimum=minimum, format=form.written, missing=tuple(sorted(marks)))


def _described_text(cells: Cells, found: Findings) -> Column | str:
    name, texts, nulls = cells.name, cells.present, share_of_missing(cells.nulls)
    distinct = texts.nunique()
    words = texts.head(1000).map(lambda text: len(text.split())).mean()
    if words < 1.5 and distinct > 20 and distinct > len(texts) / 2 and _identifies(texts, name, distinct):
        return "identifier"
    if distinct <= MOST_CATEGORIES and (words < 4 or distinct <= 20) and distinct <= max(20, len(texts) / 4):
        categories = tuple(sorted(texts.unique()))
        _warn_of_spellings(categories, name, found)
        return Column(name, "categorical", nulls, categories=categories)
    if _with_few_units(texts):
        what = "times" if texts.head(1000).str.fullmatch(CLOCK).mean() > 0.9 else "numbers with units"
        instead = "as one number, such as hours" if what == "times" else "without"
        found.warn(f"{name!r}: {what}, such as {examples(texts)}, are read as text: write them {instead}")
    else:
        found.info(f"{name!r} has {distinct} different values and is read as text")
    return Column(name, "text", nulls)


def _identifies(texts: pd.Series, name: str, distinct: int) -> bool:
    """Whether single words that are nearly all different are there to tell the rows apart."""
    if _with_few_units(texts):
        return False
    if ID_NAME.search(name) or texts.head(1000).str.fullmatch(ID_SHAPE).mean() > 0.9:
        return True
    plain = texts.head(1000).str.fullmatch(r"[^\d\s]+").all()
    return bool(distinct == len(texts) and plain)


def _with_few_units(texts: pd.Series) -> bool:
    """Whether cells are quantities: numbers, most with one of a few units."""
    found = [WITH_UNIT.fullmatch(bare(text)) for text in texts.head(1000)]
    units = {match[1] for match in found if match}
    return bool(sum(map(bool, found)) > 0.9 * len(found) and len(units) <= 5)


def _warn_of_spellings(categories: tuple[str, ...], name: str, found: Findings) -> None:
    """Warn of categories that differ in capitals or blanks only."""
    alike: dict[str, list[str]] = {}
    for category in categories:
        alike.setdefault(" ".join(category.lower().split()), []).append(category)
    several = [quoted(spelled) for spelled in alike.values() if len(spelled) > 1]
    if several:
        found.warn(f"{name!r}: {'; '.join(several[:3])} differ only in capitals or blanks and are different categories")
