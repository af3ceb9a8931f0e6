"""Reading files of rows: CSV, Parquet and JSON, whole or in batches, as contract.yaml says that they are written.

What comes out of here are cells as they stand: strings for CSV, a format's own types for Parquet and JSON. Which of
them are missing, and what the others mean, is the contract's business (coercion.py), and the same for all formats.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract.coercion import plain_name
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.json_rows import json_frames
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as arrow

    from mlops_kit.contract.contract import Source

BATCH = 50_000  # rows in memory at a time, where a file is read in batches
BLOCKS = (1 << 20, 1 << 24, 1 << 28)  # bytes that Arrow looks at together: a row must fit into one
csv.field_size_limit(1 << 30)  # else a long text is no cell


@dataclass(frozen=True)
class Numbers:
    """Columns of a CSV file, by their plain names, and words that mean "no value" in each of them.

    They are read as float64 where every cell is a plain number or such a word, else as strings.
    """

    columns: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


def read_table(source: Source, path: Path | None = None, numbers: Numbers = Numbers()) -> pd.DataFrame:
    """All rows: strings and `numbers` for a CSV file, its own types for Parquet and JSON. Raises ContractError."""
    import pandas as pd
    from pyarrow import parquet

    with reading(source, path) as file:
        form = format_of(source, file)
        if form == "parquet":
            return plain_types(parquet.read_table(file).to_pandas())
        if form == "csv":
            table = _csv_numbers(file, source, numbers)
            frame: pd.DataFrame = (_csv_table(file, source) if table is None else table).to_pandas()
            return frame
        return pd.concat(json_frames(file, source.encoding, BATCH), ignore_index=True)


def read_batches(source: Source, path: Path | None = None, numbers: Numbers = Numbers()) -> Iterator[pd.DataFrame]:
    """The same, some rows at a time; at least one frame, if without rows."""
    with reading(source, path) as file:
        yield from frames(source, file, numbers)


def frames(source: Source, path: Path, numbers: Numbers = Numbers()) -> Iterator[pd.DataFrame]:
    """A file's rows, about BATCH at a time; at least one frame, if without rows."""
    form = format_of(source, path)
    if form == "json":
        yield from json_frames(path, source.encoding, BATCH)
    else:
        for table in parquet_batches(path) if form == "parquet" else csv_batches(path, source, numbers):
            yield plain_types(table.to_pandas()) if form == "parquet" else table.to_pandas()


@contextmanager
def reading(source: Source, path: Path | None) -> Iterator[Path]:
    """The file to read; what keeps from reading it becomes a sentence."""
    import pyarrow as arrow

    if path is None:
        path = project().root / source.path
    if not path.is_file():
        raise ContractError(f"{path} is missing.", "Get the data with: uv run poe setup")
    try:
        yield path
    except (arrow.ArrowException, csv.Error, UnicodeError) as error:
        reason = _uneven_row(path, source) if isinstance(error, arrow.ArrowInvalid) else None
        says = reason or f"{path.name} cannot be read: {str(error).splitlines()[0]}."
        raise ContractError(says, "Correct the file.") from None


def _uneven_row(path: Path, source: Source) -> str | None:
    """The first row of a CSV file that has another number of cells than the header, as a sentence."""
    if format_of(source, path) != "csv":
        return None
    with path.open(encoding=source.encoding, errors="replace", newline="") as file:
        rows = csv.reader(islice(file, source.skip, None), **source.dialect)
        width = len(next(rows, [])) + bool(source.unnamed)
        start = rows.line_num + 1
        for row in rows:
            if row and len(row) != width:
                shown = source.separator.join(row)
                shown = shown if len(shown) <= 80 else shown[:77] + "..."
                if "\n" in row[-1] and next(rows, None) is None:
                    return f"{path.name}, line {source.skip + start} opens a quote that is never closed: {shown!r}."
                cells = f"{len(row)} cell{'s' * (len(row) != 1)}"
                return f"{path.name}, line {source.skip + start}: {cells} where the header has {width}: {shown!r}."
            start = rows.line_num + 1
    return None


def format_of(source: Source, path: Path) -> str:
    """How a file is read: csv, parquet or json; by what it is and by its name, else as the raw data."""
    with path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"PAR1"):
        return "parquet"
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return "parquet"
    if suffix in (".json", ".jsonl", ".ndjson") or (source.format == "json" and head.startswith((b"{", b"["))):
        return "json"
    return "csv"


def parquet_batches(path: Path, columns: list[str] | None = None) -> Iterator[arrow.Table]:
    """A Parquet file's rows, at most BATCH at a time."""
    import pyarrow as arrow
    from pyarrow.parquet import ParquetFile

    # By default Arrow would keep all that it has read until the end.
    file = ParquetFile(path, pre_buffer=False, buffer_size=2**16)
    if not file.metadata.num_rows:
        yield file.read(columns)
    for batch in file.iter_batches(BATCH, columns=columns):
        yield arrow.Table.from_batches([batch])


def csv_batches(path: Path, source: Source, numbers: Numbers = Numbers()) -> Iterator[arrow.Table]:
    """A CSV file's rows, at least BATCH at a time: strings, and `numbers` up to the first cell that is none."""
    import pyarrow as arrow

    ways: list[Callable[[], Any]] = [lambda: (0, *number_options(path, source, numbers))]
    ways += [partial(csv_options, path, source, block) for block in BLOCKS]
    done = 0  # rows that were given out before one turned out to be no number, or too long for a block
    for way in ways:
        left = done
        try:
            for table in _csv_stream(path, *way()):
                skipped = min(left, len(table))
                left -= skipped
                if len(table) > skipped or not (left or done):
                    done += len(table) - skipped
                    yield table.slice(skipped)
            return
        except arrow.ArrowInvalid as error:
            if way is not ways[0] and ("straddling" not in str(error) or way is ways[-1]):
                raise


def _csv_stream(path: Path, before: int, *options: Any) -> Iterator[arrow.Table]:
    """Rows without those that are `before` the data."""
    import pyarrow as arrow
    from pyarrow import csv as arrow_csv

    reader = arrow_csv.open_csv(path, *options)
    waiting = [reader.read_next_batch()]
    for batch in reader:
        if sum(map(len, waiting)) >= BATCH + before:
            yield refuse_nan(arrow.Table.from_batches(waiting)).slice(before)
            waiting, before = [], 0
        waiting.append(batch)
    yield refuse_nan(arrow.Table.from_batches(waiting)).slice(before)


def _csv_table(path: Path, source: Source) -> arrow.Table:
    import pyarrow as arrow
    from pyarrow import csv as arrow_csv

    for block in BLOCKS:
        before, *options = csv_options(path, source, block)
        try:
            return arrow_csv.read_csv(path, *options).slice(before)
        except arrow.ArrowInvalid as error:
            if "straddling" not in str(error) or block == BLOCKS[-1]:
                raise
    raise AssertionError("there is a largest block")


def _csv_numbers(path: Path, source: Source, numbers: Numbers) -> arrow.Table | None:
    """The same with columns of numbers, which Arrow parses in all threads while it reads; None where it cannot."""
    import pyarrow as arrow
    from pyarrow import csv as arrow_csv

    try:
        return refuse_nan(arrow_csv.read_csv(path, *number_options(path, source, numbers)))
    except arrow.ArrowInvalid:
        return None


def number_options(path: Path, source: Source, numbers: Numbers) -> tuple[Any, Any, Any]:
    """How to read, to parse and to convert with columns of numbers. Raises ArrowInvalid where they must be strings."""
    import pyarrow as arrow

    read, parse, convert = csv_options(path, source, BLOCKS[0])[1:]
    if not numbers.columns or source.units or source.thousands or len({*read.column_names}) < len(read.column_names):
        raise arrow.ArrowInvalid("no plain numbers")
    chosen = [name for name in read.column_names if {name, plain_name(name)} & numbers.columns]
    read.skip_rows_after_names = int(not source.unnamed)
    convert.column_types = {**convert.column_types, **dict.fromkeys(chosen, arrow.float64())}
    convert.null_values, convert.decimal_point = sorted(numbers.missing), source.decimal
    return read, parse, convert


def refuse_nan(table: arrow.Table) -> arrow.Table:
    """Raise ArrowInvalid for a number that is NaN: as a string, it may be a word that is no value, or an error."""
    import pyarrow as arrow
    from pyarrow import compute

    for column in table.columns:
        if arrow.types.is_floating(column.type) and compute.any(compute.is_nan(column)).as_py():
            raise arrow.ArrowInvalid("a number that is none")
    return table


def csv_options(path: Path, source: Source, block: int) -> tuple[int, Any, Any, Any]:
    """How many rows are before the data, and how to read, to parse and to convert.

    The header is read as a row, since its names may hold line breaks; where it is narrower than the rows, it is
    skipped as lines.
    """
    import pyarrow as arrow
    from pyarrow import csv as arrow_csv

    names, lines = csv_header(path, source)
    before = int(not source.unnamed) + source.units
    read = arrow_csv.ReadOptions(
        encoding=source.encoding.removesuffix("-sig"),
        column_names=names,
        skip_rows=lines if source.unnamed else source.skip,
        block_size=block,
    )
    parse = arrow_csv.ParseOptions(
        delimiter=source.separator,
        quote_char=source.quote,
        escape_char=source.escape or False,
        newlines_in_values=True,
    )
    types = dict.fromkeys(names, arrow.string())
    return before, read, parse, arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=False)


def csv_header(path: Path, source: Source) -> tuple[list[str], int]:
    """The names of a CSV file's columns, those without a name as blanks, and the lines to the end of the header."""
    with path.open(encoding=source.encoding, newline="") as file:
        rows = csv.reader(islice(file, source.skip, None), **source.dialect)
        header = next(rows, [])
        lines = source.skip + rows.line_num
    header = ["", *header] if source.unnamed == "first" else [*header, ""] if source.unnamed == "last" else header
    blank = (" " * number for number in range(len(header)))
    return [name if name.strip() else next(blank) for name in header], lines


def plain_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Parquet's richer types as the few that the contract knows; columns that hold lists or objects become text."""
    frame = frame.reset_index(drop=True).rename(columns=str)
    for name in frame.columns if frame.columns.is_unique else []:
        frame[name] = _plain(frame[name])
    return frame


def _plain(values: pd.Series) -> pd.Series:
    import pandas as pd

    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _plain(values.astype(kind.categories.dtype if values.notna().all() else object))
    if isinstance(kind, pd.DatetimeTZDtype):
        local: pd.Series = values.dt.tz_convert("UTC").dt.tz_localize(None)
        return local
    if isinstance(kind, (pd.PeriodDtype, pd.IntervalDtype)):
        return values.map(str, na_action="ignore").astype(object)
    if pd.api.types.is_timedelta64_dtype(kind):
        seconds: pd.Series = values.dt.total_seconds()
        return seconds
    if not pd.api.types.is_object_dtype(kind) or not values.notna().any():
        return values
    first = values.dropna().iloc[0]
    if isinstance(first, date):
        return pd.to_datetime(values)
    if type(first).__name__ == "Decimal":
        return values.astype("float64")
    return values if isinstance(first, (str, bool, int, float)) else values.map(str, na_action="ignore")
