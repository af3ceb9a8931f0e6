"""How a text file of rows is laid out: its separator and quote, where the header is, and what stands around it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer.findings import Findings
from mlops_kit.contract.missing import MISSING
from mlops_kit.contract.numbers import bare

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LAST_RESORT = {" ": "blanks"}  # in running text they are everywhere
EVEN = 0.9  # the share of rows that must have the same number of cells
LOOKED_AT = 2000  # rows
SEP_LINE = re.compile(r'"?sep=(.)"?[;,]*\s*', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What Source keeps of it, with the first rows from the header on and the line that each begins in."""

    separator: str
    quote: str = '"'
    escape: str = ""
    skip: int = 0
    units: int = 0
    unnamed: str = ""
    rows: tuple[list[str], ...] = ()
    lines: tuple[int, ...] = ()
    even: float = 0.0

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.rows[0]) + bool(self.unnamed) if self.rows else 0


def find_layout(text: str, name: str, found: Findings) -> Layout:
    """The layout of a file that begins with `text`. Raises ContractError where it is no table."""
    told = SEP_LINE.fullmatch(text.partition("\n")[0])
    separators = {told[1]: repr(told[1])} if told else SEPARATORS
    layout = _best(text, separators, int(bool(told))) or (None if told else _best(text, LAST_RESORT, 0))
    if layout is None:
        raise _no_table(text, name)
    refuse_missing_header(layout, name)
    _refuse_blanks_before_quotes(layout, text, name)
    if told:
        found.info(f"line 1, {told[0].strip()!r}, names the separator and is left out")
    elif layout.skip:
        lines = [line.strip() for line in text.splitlines()[: layout.skip] if line.strip()]
        shown = ", ".join(repr(line[:60]) for line in lines[:3]) + ", ..." * (len(lines) > 3)
        found.info(f"the {layout.skip} lines before the header are left out: {shown or 'they are empty'}")
    if layout.unnamed == "last":
        found.info("every row ends with a separator, the header does not: the last column is empty and left out")
    elif layout.unnamed == "first":
        found.info("every row has one cell more than the header: the first column has no name and is left out")
    return _with_units(layout, found)


def _best(text: str, separators: dict[str, str], skip: int) -> Layout | None:
    """The separator and quote that split the rows evenly: the header as early as possible, then the most cells."""
    layouts = []
    quotes = "\"'" if "'" in text else '"'
    for separator in separators:
        if separator in text:
            layouts += [layout for quote in quotes if (layout := _laid_out(text, separator, quote, skip)) is not None]
    lines = text.splitlines()

    def key(layout: Layout) -> tuple[bool, int, int, bool, float]:
        quoted = _is_quoted(layout, text, lines) if layout.quote == "'" else 0
        return not _is_data(layout), quoted, -layout.skip, not layout.unnamed, layout.even * layout.width

    return max(layouts, key=key, default=None)


def _laid_out(text: str, separator: str, quote: str, skip: int) -> Layout | None:
    """The layout by a separator and a quote; None where the rows are not even or have one cell."""
    escaped = re.search(r"\\" + quote + rf"[^{re.escape(separator)}\r\n]", text) and not re.search(
        r'[^,;|\t\r\n]""', text
    )
    escape = "\\" if escaped else ""
    numbered = list(islice(_numbered(text, separator, quote, escape, skip), LOOKED_AT))
    rows = [row for _, row in numbered]
    if not rows:
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    start = _header(rows, width) if width > 1 else None
    if start is None:
        return None
    even = sum(len(row) == width for row in rows[start + 1 :]) / max(len(rows) - start - 1, 1)
    if len(rows) > start + 1 and even <= EVEN:
        return None
    unnamed = ""
    if len(rows[start]) == width - 1:
        unnamed = "last" if all(not row[-1].strip() for row in rows[start + 1 :] if len(row) == width) else "first"
    lines = tuple(line for line, _ in numbered[start:])
    return Layout(separator, quote, escape, lines[0] - 1, 0, unnamed, tuple(rows[start:]), lines, even)


def _numbered(text: str, separator: str, quote: str, escape: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, with the line that each begins in, counted from 1."""
    lines = islice(io.StringIO(text, newline=""), skip, None)
    reader = csv.reader(lines, delimiter=separator, quotechar=quote, escapechar=escape or None)
    line = 1
    for row in reader:
        if row:
            yield skip + line, row
        line = reader.line_num + 1


def _header(rows: list[list[str]], width: int) -> int | None:
    """Which row is the header: the first that is as wide as the table, and no title or comment."""
    for number, row in enumerate(rows[:-1]):
        after = rows[number + 1]
        if len(row) == width - 1 > 0 and len(after) == width:
            # A title before the header, or a header without a name for the first or last column.
            if (len(row) == 1 or _is_comment(row)) or (
                _is_header(after) and number + 2 < len(rows) and not _is_header(rows[number + 2])
            ):
                continue
            return number
        if len(row) != width:
            continue
        if _is_comment(row) and _is_header(after) and len(after) == width:
            continue
        if width > 2 and sum(bool(cell.strip()) for cell in row) <= 1 and len(after) == width:
            continue
        return number
    return len(rows) - 1 if len(rows) == 1 and len(rows[0]) == width else None


def _is_comment(row: list[str]) -> bool:
    return row[0].lstrip().startswith(("#", "//", "%", "!"))


def _is_header(row: list[str]) -> bool:
    """Whether a row may hold names: no numbers and no cell twice."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and not any(map(is_number, cells)) and len(set(cells)) == len(cells)


def _is_data(layout: Layout) -> bool:
    """Whether the header looks like data: most of its cells are numbers, and not years that are column names."""
    cells = [cell.strip() for cell in layout.rows[0] if cell.strip()]
    numbers = [cell for cell in cells if is_number(cell)]
    years = [cell for cell in numbers if re.fullmatch(r"1[89]\d\d|20\d\d|21\d\d", cell)]
    if len(years) == len(numbers) > 2 and len(set(years)) == len(years) and len(numbers) < len(cells):
        return False
    return len(numbers) > len(cells) / 2


def _is_quoted(layout: Layout, text: str, lines: list[str]) -> int:
    """Whether `'` quotes cells: 1 if it does, 0 if nothing says so, -1 if it begins words only."""
    header = lines[layout.skip].strip() if layout.skip < len(lines) else ""
    if header.startswith("'") and header.endswith("'") and header.count("'") % 2 == 0:
        return 1
    between = re.escape(layout.separator)
    cell = rf"(?:^|{between})'(?:[^'\r\n]|'')*'(?=$|{between})"
    enclosed = len(re.findall(cell, text, re.MULTILINE))
    opened = len(re.findall(rf"(?:^|{between})'", text, re.MULTILINE))
    return 1 if enclosed and enclosed == opened else -1


def refuse_missing_header(layout: Layout, name: str) -> None:
    """Raise where the header looks like data, or where there is nothing below it."""
    if _is_data(layout):
        raise ContractError(f"{name} has no header: its first row is data.", "Put the columns' names in the first row.")
    count = len(layout.rows) - 1
    if count < 2:
        raise ContractError(
            f"{name} has {'only one row' if count else 'no rows'} of data.", "Give a file with more rows."
        )


def _refuse_blanks_before_quotes(layout: Layout, text: str, name: str) -> None:
    """Raise where blanks before a quote hide that it is one, so that the separators within cells split them."""
    between = re.escape(layout.separator)
    hidden = re.search(
        rf"{between} +{layout.quote}[^{layout.quote}\r\n]*{between}[^{layout.quote}\r\n]*{layout.quote}", text
    )
    if hidden and layout.separator != " ":
        line = text.count("\n", 0, hidden.start()) + 1
        raise ContractError(
            f"{name}, line {line} has a blank between a separator and a quote: {hidden[0][:60]!r}.",
            "Remove the blanks before quotes.",
        )


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any style."""
    try:
        float(bare(cell.strip()).replace(",", "."))
    except ValueError:
        return bool(re.fullmatch(r"[+-]?\d{1,3}([.,]\d{2,3})*[.,]\d{3}([.,]\d+)?", bare(cell.strip())))
    return True


def _with_units(layout: Layout, found: Findings) -> Layout:
    """The layout that knows of a second row of the header: words above columns of numbers, which are their units."""
    if len(layout.rows) < 6:
        return layout
    first, *below = layout.rows[1:]
    if len(first) != layout.width or not any(cell.strip() for cell in first):
        return layout
    above_numbers = []
    for number, cell in enumerate(first):
        column = [row[number].strip() for row in below if len(row) == layout.width]
        column = [other for other in column if other not in MISSING]
        cell = cell.strip()
        if column and sum(map(is_number, column)) > 0.95 * len(column):
            if is_number(cell) or (cell in column and cell not in MISSING):
                return layout
            above_numbers.append(cell)
        elif cell not in MISSING and (cell in column or len(set(column)) == len(column)):
            return layout  # a word as those below, or one that says as little
    if not any(cell not in MISSING for cell in above_numbers):
        return layout
    shown = ", ".join(cell.strip() for cell in first if cell.strip())
    found.warn(f"line {layout.lines[1]} is read as units and left out: {shown}")
    return replace(layout, units=1)


def _no_table(text: str, name: str) -> ContractError:
    """Why a text is no table: one column, or the first line that has another number of cells than most."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    best: tuple[float, str, list[tuple[int, list[str]]]] | None = None
    for separator in SEPARATORS:
        rows = list(islice(_numbered(text, separator, '"', "", 0), LOOKED_AT))
        width, count = Counter(len(row) for _, row in rows).most_common(1)[0]
        if width > 1 and (best is None or count / len(rows) > best[0]):
            best = count / len(rows), separator, rows
    if best is not None and best[0] > 0.5:
        _, separator, rows = best
        width = Counter(len(row) for _, row in rows).most_common(1)[0][0]
        line, row = next((line, row) for line, row in rows if len(row) != width)
        if "\n" in row[-1] and row is rows[-1][1]:
            says = f"{name}, line {line} opens a quote that is never closed: {separator.join(row)[:80]!r}."
            return ContractError(says, "Correct the file.")
        cells = f"{len(row)} cell{'s' * (len(row) != 1)}, most have {width}: {separator.join(row)[:80]!r}"
        return ContractError(f"{name} is no even table: line {line} has {cells}.", "Correct or remove it.")
    if re.search(r"\S {2,}\S", first) and not any(separator in first for separator in SEPARATORS):
        return ContractError(f"{name} has columns that are aligned by blanks.", "Separate them by commas or tabs.")
    if not any(separator in text for separator in SEPARATORS):
        return ContractError(
            f"{name} has only one column, {first.strip()[:60]!r}.", "Add features: columns to predict from."
        )
    return ContractError(
        f"{name} does not look like a table with columns: its first line is {first.strip()[:80]!r}.",
        "Separate them by commas, semicolons, tabs or bars.",
    )
