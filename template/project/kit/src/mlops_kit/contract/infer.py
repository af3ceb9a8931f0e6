"""Infer the data contract from a data file: how it is written, what its columns are, what is to be predicted.

    uv run poe contract FILE --target COLUMN

Every decision that is not obvious is a finding, said once here and kept in contract.yaml, where it can be changed.
Only pandas, pyarrow and pyyaml are needed, and nothing else of the project.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import io
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from mlops_kit.contract import (
    Column,
    Contract,
    ContractError,
    Source,
    coerce,
    csv_batches,
    parquet_batches,
    plain_types,
    read_batches,
    to_numbers,
    typed_batches,
)
from mlops_kit.ground import command, project

SEPARATORS = (",", ";", "\t", "|")
MOST_ROWS = 500_000  # that are looked at closely
MOST_CATEGORIES = 250  # scikit-learn's histogram boosting takes at most 255
MOST_CLASSES = 100
EXACT = 2**53  # up to here float64 holds every whole number
SMALLEST_CLASS = 5  # fewer rows cannot be in the training and the test part both
TRUTHS = {"true": "false", "yes": "no", "y": "n", "t": "f", "ja": "nein", "oui": "non", "on": "off"}
ID_NAME = re.compile(r"(^|[_\s.-])(id|uuid|guid|key|index|idx|nr|no|number)$|Id$|ID$", re.UNICODE)
REGRESSION = "--data problem=regression"
POINTS_BETWEEN = r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"  # thousands
UNTYPICAL_MISSING = ("?", "-")
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y"),
    *("%m/%d/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%Y-%m"),
)
TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%S%z", " %H:%M:%S%z")


@dataclass(frozen=True)
class Finding:
    """Something that was decided or noticed; `level` is info or warning."""

    level: str
    text: str


class Findings(list[Finding]):
    """What was decided so far."""

    def info(self, text: str) -> None:
        """Note a decision."""
        self.append(Finding("info", text))

    def warn(self, text: str) -> None:
        """Note what a person should look at."""
        self.append(Finding("warning", text))


def infer(path: Path, target: str | None, problem: str | None = None) -> tuple[Contract, Findings]:
    """The contract of a data file, and what was decided on the way. Raises ContractError for a file that cannot serve.

    `problem` is classification, regression or None: told from the target.
    """
    found = Findings()
    source, frame, rows = open_table(path, found)
    names = [str(name) for name in frame.columns]
    if target is None:
        raise ContractError("Which column is to be predicted?", f"Name it: {', '.join(names)}.")
    if target not in names:
        nearest = difflib.get_close_matches(target, names, len(names), 0.0)
        meant = f"Did you mean {nearest[0]!r}? " if difflib.get_close_matches(target, nearest[:1]) else ""
        raise ContractError(f"There is no column {target!r} in {path.name}.", f"{meant}Columns: {', '.join(nearest)}.")
    if len(frame) < 2:
        raise ContractError(f"{path.name} has only {len(frame)} row.", "Give a file with more rows.")
    whole = len(frame) == rows
    targets = frame[target] if whole else read_column(source, path, target)
    targets = drop_missing(targets, target, found)
    target_column, problem = describe_target(targets, target, problem, source)
    frame = frame[frame[target].notna()].reset_index(drop=True)
    columns: list[Column] = []
    ignored: dict[str, str] = {}
    for name in names:
        described = target_column if name == target else describe(frame[name], name, source, found)
        if isinstance(described, Column):
            columns.append(described)
        else:
            ignored[name] = described
    if len(columns) < 2:
        raise ContractError(
            f"No column of {path.name} is left to predict {target!r} from.", "Add features to the file."
        )
    for reason in dict.fromkeys(ignored.values()):
        found.info(
            f"left out as {reason}: {', '.join(name or '(no name)' for name, why in ignored.items() if why == reason)}"
        )
    contract = Contract(problem, target, source, len(targets), tuple(columns), ignored)
    if not whole:
        found.info(f"types and leaks were told from {len(frame)} rows, all else from all")
        contract = widen(contract, path)
    warn_of_leaks(contract, coerce(contract, frame, with_target=True), found)
    found.info(f"{problem} of {target!r} from {len(columns) - 1} columns and {len(targets)} rows")
    return contract, found


# --- the file --------------------------------------------------------------------------------------------------------


def open_table(path: Path, found: Findings) -> tuple[Source, pd.DataFrame, int]:
    """How the file is written, its content (strings from CSV, own types from Parquet), and how many rows it has."""
    import pyarrow as arrow
    from pyarrow import parquet

    if not path.is_file():
        raise ContractError(f"There is no file {path}.", "Check the path.")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise ContractError(f"{path.name} is empty.", "Give a CSV or Parquet file with a header and rows.")
    try:
        if head[:4] == b"PAR1":
            refuse_duplicates(parquet.read_schema(path).names, path)
            table, rows = thinned(parquet_batches(path))
            return Source(path.as_posix(), format="parquet"), plain_types(table.to_pandas()), rows
        source = sniff(path, head, found)
        table, rows = thinned(csv_batches(path, source))
    except (arrow.ArrowException, csv.Error) as error:
        raise ContractError(f"{path.name} cannot be read: {str(error).splitlines()[0]}.", "Check the file.") from None
    for mark in UNTYPICAL_MISSING:
        pattern = re.compile(
            rf"(^|{re.escape(source.separator)})\s*{re.escape(mark)}\s*($|{re.escape(source.separator)})"
        )
        with path.open(encoding=source.encoding, newline="") as lines:
            if any(pattern.search(line.rstrip("\r\n")) for line in lines):
                found.info(f"cells that hold only {mark!r} are read as missing")
    frame = table.to_pandas()
    return find_numbers_style(source, frame, found), frame, rows


def thinned(tables: Iterator[Any]) -> tuple[Any, int]:
    """A file's rows as an Arrow table, of more than MOST_ROWS every second, fourth and so on; and how many it has."""
    import pyarrow as arrow

    kept, rows, step = [], 0, 1
    for table in tables:
        kept.append(table.take(arrow.array(range(-rows % step, len(table), step))) if step > 1 else table)
        rows += len(table)
        if sum(map(len, kept)) > MOST_ROWS:
            together = arrow.concat_tables(kept)
            kept, step = [together.take(arrow.array(range(0, len(together), 2)))], step * 2
    return arrow.concat_tables(kept), rows


def sniff(path: Path, head: bytes, found: Findings) -> Source:
    """Encoding, separator and quote of a CSV file, and that it is one."""
    kinds = {
        b"PK": "a zip or Excel file",
        b"\x1f\x8b": "a gzip file",
        b"%PDF": "a PDF",
        b"{": "JSON",
        b"<": "XML or HTML",
    }
    for magic, kind in kinds.items():
        if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(magic):
            raise ContractError(f"{path.name} is {kind}, not a table.", "Save it as CSV or Parquet.")
    encoding = find_encoding(path, head)
    with path.open(encoding=encoding, newline="") as file:
        text = "".join(islice(file, 500))
    quote = "'" if text.startswith("'") else '"'
    separator = find_separator(text, quote, path)
    rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote), 200))
    rows = [row for row in rows if row]
    refuse_duplicates(rows[0], path)
    refuse_missing_header(rows, path)
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    if encoding not in ("utf-8", "ascii") or separator != ",":
        found.info(f"read as {encoding}, separated by {names[separator]}")
    return Source(path.as_posix(), encoding=encoding, separator=separator, quote=quote)


def find_encoding(path: Path, head: bytes) -> str:
    """The first encoding that the whole file can be read in: a sample could miss a late character."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in head:
        raise ContractError(f"{path.name} is a binary file, not a table.", "Give a CSV or Parquet file.")
    candidates = ["utf-8-sig"] if head.startswith(b"\xef\xbb\xbf") else ["utf-8", "cp1252"]
    for encoding in candidates:
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def find_separator(text: str, quote: str, path: Path) -> str:
    """The separator that splits the first rows into the same number of cells, more than one."""
    best, most = "", 1.0
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote)
        widths = [len(row) for row in islice(reader, 100) if row]
        even = sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and even > 0.9 and even * widths[0] > most:
            best, most = separator, even * widths[0]
    if not best:
        raise ContractError(
            f"{path.name} does not look like a table with columns.",
            "Separate them by commas, semicolons, tabs or bars.",
        )
    return best


def refuse_duplicates(names: list[str], path: Path) -> None:
    """Raise for columns of the same name: nobody could say which is meant."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        listed = ", ".join(name or "(no name)" for name in twice)
        raise ContractError(f"{path.name} has duplicate columns: {listed}.", "Rename or remove them.")


def refuse_missing_header(rows: list[list[str]], path: Path) -> None:
    """Raise where the first row looks like data: most of its cells are numbers, as below them."""
    header = [cell for cell in rows[0] if cell]
    if header and sum(_is_number(cell) for cell in header) > len(header) / 2:
        raise ContractError(
            f"{path.name} has no header: its first row is data.", "Put the columns' names in the first row."
        )
    if len(rows) < 3:
        count = len(rows) - 1
        raise ContractError(
            f"{path.name} has {'only one row' if count else 'no rows'} of data.", "Give a file with more rows."
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def find_numbers_style(source: Source, frame: pd.DataFrame, found: Findings) -> Source:
    """The source that knows how numbers are written: with a decimal comma, or with commas between thousands."""
    comma, thousands = 0, 0
    points: dict[str, list[tuple[str, str]]] = {"decimal": [], "thousands": [], "either": [], "none": []}
    for name in frame.columns:
        if not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        values = frame[name].dropna().astype("str").str.strip(" $€£¥%")
        if values.empty:
            continue
        if _has_thousands(values, source):
            thousands += 1
            continue
        comma += values.str.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+").mean() > 0.5
        meaning, example = _points(values, source)
        points[meaning].append((name, example))
    point = len(points["decimal"])
    if comma > point or (points["thousands"] and not (comma or point or thousands)):
        grouped = bool(points["thousands"] or (points["either"] and not point))
        found.info(f"numbers have a decimal comma{' and points between thousands' * grouped}")
        source = replace(source, decimal=",", thousands="." if grouped else "")
    elif thousands:
        found.info("numbers have commas between thousands")
        source = replace(source, thousands=",")
    for name, example in points["thousands"] + points["either"]:
        if example.count(".") == 1 and "," not in example and (source.decimal == "," or not (point or thousands)):
            read = to_numbers(pd.Series([example]), source.decimal, source.thousands).iloc[0]
            found.warn(f"{name!r}: {example} could be {example.replace('.', '')} or a decimal, and is read as {read:g}")
    for name, example in points["decimal"] if source.thousands == "." else []:
        found.warn(f"{name!r}: {example} is no number in a file that has points between thousands: write a comma")
    return source


def _points(values: pd.Series, source: Source) -> tuple[str, str]:
    """What a column's points are, and a value with one. 1.234 alone could be either, beside 1.234.567 it could not.

    Beside 950 it could not in a file with semicolons, which are there because of decimal commas: of decimals that are
    not filled up with zeros, some have one or two places.
    """
    pointed = values[values.str.fullmatch(r"[+-]?[\d,]*\.[\d.,]*")]
    whole = values.str.fullmatch(r"[+-]?\d+(,\d+)?|" + POINTS_BETWEEN)
    if len(pointed) and pointed.str.fullmatch(POINTS_BETWEEN).all() and whole.mean() > 0.5:
        clear = pointed[pointed.str.count("[.,]") > 1]
        beside = values.str.fullmatch(r"[+-]?\d{1,3}").any() and not values.str.fullmatch(r"[+-]?\d{4,}").any()
        if len(clear) or (source.separator == ";" and beside):
            return "thousands", str(clear.iloc[0] if len(clear) else pointed.iloc[0])
        return "either", str(pointed.iloc[0])
    decimals = values[values.str.fullmatch(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")]
    return ("decimal", str(decimals.iloc[0])) if len(decimals) > len(values) / 2 else ("none", "")


def _has_thousands(values: pd.Series, source: Source) -> bool:
    """Whether a column's commas are between thousands: in a file that has commas between cells, or beside points."""
    commas = values[values.str.contains(",", regex=False)]
    if commas.empty or not commas.str.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?").all():
        return False
    return source.separator == "," or bool(commas.str.contains(r",\d+[,.]").any())


# --- the target ------------------------------------------------------------------------------------------------------


def read_column(source: Source, path: Path, name: str) -> pd.Series:
    """One column of a file, whole."""
    return pd.concat([rows[name] for rows in read_batches(source, path)], ignore_index=True)


def drop_missing(targets: pd.Series, name: str, found: Findings) -> pd.Series:
    """Leave out the rows without a target, and say how many."""
    kept = targets.dropna()
    if kept.empty:
        raise ContractError(f"The target {name!r} has no value in any row.", "Choose another column.")
    if len(kept) < len(targets):
        found.warn(f"{len(targets) - len(kept)} rows without a target are left out")
    return kept.reset_index(drop=True)


def describe_target(values: pd.Series, name: str, problem: str | None, source: Source) -> tuple[Column, str]:
    """The target's column and the problem. Raises ContractError for a target that nothing can be learnt from."""
    values = values.astype(bool) if _all_bools(values) else values
    distinct = values.nunique()
    if distinct == 1:
        raise ContractError(f"The target {name!r} has only one value, {values.iloc[0]!r}.", "Choose another column.")
    numbers = to_numbers(values, source.decimal, source.thousands) if _may_be_numbers(values) else None
    numeric = numbers is not None and bool(numbers.notna().all())
    whole = numeric and bool((numbers % 1 == 0).all())
    few = distinct <= max(2, min(20, len(values) // 10))
    problem = problem or ("regression" if numeric and not (whole and few) else "classification")
    if problem == "regression":
        if not numeric or numbers is None:
            raise ContractError(
                f"The target {name!r} is not a number in every row.", "Mend it, or choose another column."
            )
        if not all(map(math.isfinite, (numbers.min(), numbers.max()))):
            raise ContractError(f"The target {name!r} has infinite values.", "Remove those rows.")
        return Column(name, "numeric", integer=whole, **_bounds(numbers)), problem
    whole = whole and _written_as_whole(values, numbers)
    labels = _labels(numbers if whole else values, whole)
    if distinct == len(values) or len(labels) > MOST_CLASSES:
        how = "is different in every row" if distinct == len(values) else f"has {distinct} classes"
        raise ContractError(
            f"The target {name!r} {how}.", f"Choose a column of few classes{', or ' * numeric}{REGRESSION * numeric}."
        )
    sizes = (numbers if whole and numbers is not None else values).value_counts()
    small = [str(int(label) if whole else label) for label, size in sizes.items() if size < SMALLEST_CLASS]
    if small:
        listed = ", ".join(sorted(small)[:10]) + (f" and {len(small) - 10} more" if len(small) > 10 else "")
        raise ContractError(
            f"Classes of {name!r} with fewer than {SMALLEST_CLASS} rows cannot be split: {listed}.",
            f"Merge them with others, leave their rows out{', or ' * numeric}{REGRESSION * numeric}.",
        )
    return Column(name, "categorical", categories=labels), problem


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


# --- the features ----------------------------------------------------------------------------------------------------


def describe(values: pd.Series, name: str, source: Source, found: Findings) -> Column | str:
    """The column's row in the contract, or the reason why it is left out."""
    if not name.strip():
        return "unnamed"
    present = values.dropna()
    if present.empty:
        return "empty"
    if present.nunique() == 1 and len(present) == len(values):
        return "constant"
    nulls = _share(1 - len(present) / len(values))
    if pd.api.types.is_datetime64_any_dtype(values):
        return Column(name, "date", nulls, minimum=present.min().date())
    if pd.api.types.is_bool_dtype(present) or _all_bools(present):
        return Column(name, "boolean", nulls)
    if pd.api.types.is_numeric_dtype(values):
        return _numeric(present.astype("float64"), name, nulls, present, found)
    texts = present.map(str)
    return (
        _described_boolean(texts, name, nulls)
        or _described_number(texts, name, nulls, len(values), source, found)
        or _described_date(texts, name, nulls, found)
        or _described_text(texts, name, nulls, found)
    )


def _all_bools(values: pd.Series) -> bool:
    return values.dtype == object and all(isinstance(value, bool) for value in values)


def _share(nulls: float) -> float:
    """The share of missing values that is accepted: half as much again as was seen, rounded up to a hundredth."""
    return min(1.0, math.ceil(nulls * 150) / 100)


def _bounds(numbers: pd.Series) -> dict[str, Any]:
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
        raise ContractError(f"Column {name!r} has infinite values.", "Replace them, or leave the cells empty.")


def _numeric(numbers: pd.Series, name: str, nulls: float, written: pd.Series, found: Findings) -> Column | str:
    """A column of numbers. `written` is what they were before they became float64, which rounds large ones."""
    whole = bool((numbers % 1 == 0).all())
    rounded = whole and bool(numbers.abs().max() > EXACT) and _are_integers(written)
    distinct = (written if rounded else numbers).nunique()
    if whole and distinct == len(numbers) and len(numbers) >= 20 and (rounded or not nulls):
        steps = numbers.sort_values().diff().dropna()
        if rounded or ID_NAME.search(name) or (numbers.is_monotonic_increasing and (steps == 1).all()):
            return "identifier"
    refuse_infinite(numbers, name)
    if rounded:
        found.warn(f"{name!r} has numbers beyond {EXACT}, which are rounded: leave it out if they are identifiers")
    return Column(name, "numeric", nulls, integer=whole, **_bounds(numbers))


def _are_integers(written: pd.Series) -> bool:
    """Whether whole numbers are what is written: 10 or "10", but not 1e20, a measurement."""
    if pd.api.types.is_numeric_dtype(written):
        return pd.api.types.is_integer_dtype(written)
    return bool(written.str.fullmatch(r"\s*[+-]?\d+\s*").all())


def _described_boolean(texts: pd.Series, name: str, nulls: float) -> Column | None:
    spellings = sorted(texts.unique())
    lowered = {spelling.lower() for spelling in spellings}
    for true, false in TRUTHS.items():
        if lowered == {true, false}:
            trues = tuple(spelling for spelling in spellings if spelling.lower() == true)
            falses = tuple(spelling for spelling in spellings if spelling.lower() == false)
            return Column(name, "boolean", nulls, true_values=trues, false_values=falses)
    return None


def _described_number(
    texts: pd.Series, name: str, nulls: float, rows: int, source: Source, found: Findings
) -> Column | str | None:
    numbers = to_numbers(texts, source.decimal, source.thousands)
    if texts.str.fullmatch(r"0\d+").any():
        return None  # codes such as 007: their zeros mean something
    if numbers.notna().all():
        return _numeric(numbers, name, nulls, texts, found)
    odd = texts[numbers.isna()]
    if len(odd) > len(texts) / 20 or odd.nunique() > 3:
        return None
    marks = tuple(sorted(odd.unique()))
    found.warn(f"{name!r}: {len(odd)} cells hold {', '.join(map(repr, marks))} among numbers, read as missing")
    nulls = _share(1 - numbers.notna().sum() / rows)
    described = _numeric(numbers.dropna(), name, nulls, texts[numbers.notna()], found)
    return replace(described, missing=marks) if isinstance(described, Column) else described


def _described_date(texts: pd.Series, name: str, nulls: float, found: Findings) -> Column | None:
    distinct = pd.Series(texts.unique())
    if not distinct.str.contains(r"\d").all() or distinct.str.len().max() > 40:
        return None
    few = distinct.head(50)
    fitting = []
    for format_ in (day + time for day in DATE_FORMATS for time in TIME_FORMATS):
        if (
            all(_parsed(some, format_).notna().all() for some in (few.head(1), few))
            and _parsed(distinct, format_).notna().all()
        ):
            fitting.append(format_)
    if not fitting:
        return None
    if len(fitting) > 1:
        found.warn(f"{name!r}: the dates could be {' or '.join(fitting)}, read as {fitting[0]}")
    dates = _parsed(distinct, fitting[0])
    return Column(name, "date", nulls, minimum=dates.min().date(), format=fitting[0])


def _parsed(texts: pd.Series, format_: str) -> pd.Series:
    return pd.to_datetime(texts, format=format_, errors="coerce", utc="%z" in format_)


def _described_text(texts: pd.Series, name: str, nulls: float, found: Findings) -> Column | str:
    distinct = texts.nunique()
    words = texts.head(1000).str.split().str.len().mean()
    if distinct == len(texts) and words < 1.5 and len(texts) >= 20:
        return "identifier"
    if distinct > len(texts) / 2 and distinct > 20 and words < 1.5:
        return "identifier"
    if distinct <= MOST_CATEGORIES and (words < 4 or distinct <= 20) and distinct <= max(20, len(texts) / 4):
        return Column(name, "categorical", nulls, categories=tuple(sorted(texts.unique())))
    found.info(f"{name!r} has {distinct} different values and is read as text")
    return Column(name, "text", nulls)


# --- a file that was not looked at whole -----------------------------------------------------------------------------


def widen(contract: Contract, path: Path) -> Contract:
    """A contract that was told from some rows of a file, as all of its rows need it."""
    rows, missing = 0, Counter[str]()
    telling: dict[str, list[pd.Series]] = {column.name: [] for column in contract.features}
    for frame in typed_batches(contract, path):
        rows += len(frame)
        missing.update(frame.isna().sum().to_dict())
        for column in contract.features:
            telling[column.name].append(_telling(frame[column.name].dropna(), column))
    widened = {
        column.name: _widened(column, pd.concat(telling[column.name]), _share(missing[column.name] / rows))
        for column in contract.features
    }
    return replace(contract, columns=tuple(widened.get(column.name, column) for column in contract.columns))


def _telling(values: pd.Series, column: Column) -> pd.Series:
    """Of a batch of a column's values, the few that its row in the contract depends on."""
    if column.categories:
        return values.drop_duplicates()
    if column.type in ("numeric", "date") and len(values):
        fraction = values[values % 1 != 0].head(1) if column.type == "numeric" else values[:0]
        return pd.concat([values.agg(["min", "max"]), fraction])
    return values[:0]


def _widened(column: Column, values: pd.Series, nulls: float) -> Column:
    column = replace(column, nulls=nulls)
    if column.type == "numeric":
        refuse_infinite(values, column.name)
        return replace(column, integer=bool((values % 1 == 0).all()), **_bounds(values))
    if column.type == "date":
        return replace(column, minimum=values.min().date())
    distinct = tuple(sorted(values.unique()))
    if len(distinct) > MOST_CATEGORIES:
        return replace(column, type="text", categories=())
    return replace(column, categories=distinct)


# --- leaks -----------------------------------------------------------------------------------------------------------


def warn_of_leaks(contract: Contract, frame: pd.DataFrame, found: Findings) -> None:
    """Warn of a column that gives the target away: it would not be known when a prediction is made."""
    target = frame[contract.target]
    for column in contract.features:
        values = frame[column.name]
        if contract.problem == "regression":
            leaks = column.type == "numeric" and abs(_correlation(values, target)) > 0.9999
        else:
            leaks = _tells(values, target, column.type)
        if leaks:
            found.warn(f"{column.name!r} gives {contract.target!r} away: leave it out if it is not known beforehand")


def _correlation(values: pd.Series, target: pd.Series) -> float:
    known = values.notna()
    if known.sum() < 3 or values[known].nunique() < 2:
        return 0.0
    return float(values[known].corr(target[known].astype("float64")))


def _tells(values: pd.Series, target: pd.Series, kind: str) -> bool:
    """Whether every value stands for one class: value by value, or in ranges that do not overlap."""
    known = values.notna()
    values, labels = values[known], target[known].astype("str")
    if len(values) < 20 or labels.nunique() < 2:
        return False
    if kind in ("numeric", "boolean", "date"):
        ranges = values.groupby(labels).agg(["min", "max"]).sort_values("min")
        return bool((ranges["max"].shift().dropna() < ranges["min"].iloc[1:]).all())
    distinct = values.nunique()
    return distinct <= len(values) / 5 and bool((labels.groupby(values).nunique() == 1).all())


# --- the command -----------------------------------------------------------------------------------------------------


def _lines(findings: Findings) -> Iterator[str]:
    for finding in findings:
        yield f"{'! ' if finding.level == 'warning' else ''}{finding.text}"


def _report(contract: Contract, found: Findings) -> dict[str, Any]:
    listed = [{"level": finding.level, "text": finding.text} for finding in found]
    return {"problem": contract.problem, "rows": contract.rows, "columns": len(contract.columns), "findings": listed}


@command
def main() -> None:
    """Parse the command line, infer, and write contract.yaml."""
    parser = argparse.ArgumentParser(prog="poe contract", description="Infer contract.yaml from a data file.")
    parser.add_argument("file", type=Path, help="a CSV or Parquet file")
    parser.add_argument("--target", help="the column to predict")
    parser.add_argument("--problem", choices=["classification", "regression"], help="told from the target by default")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    try:
        contract, found = infer(options.file, options.target, options.problem)
    except ContractError as error:
        if options.json:
            print(json.dumps({"error": error.sentence, "next": error.next_step}, ensure_ascii=False))
            sys.exit(1)
        raise
    if options.json:
        print(json.dumps(_report(contract, found), ensure_ascii=False))
    else:
        print(*_lines(found), sep="\n")
    if not options.check:
        (project().root / "contract.yaml").write_text(contract.dump(), encoding="utf-8")
        print("wrote contract.yaml", file=sys.stderr)


if __name__ == "__main__":
    main()
