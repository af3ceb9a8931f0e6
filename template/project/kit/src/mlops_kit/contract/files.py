"""Reading files of rows: CSV and Parquet, whole or in batches, as contract.yaml says that they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract.errors import ContractError
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as arrow

    from mlops_kit.contract.contract import Source

BATCH = 50_000  # rows in memory at a time, where a file is read in batches
# Cells that mean "no value" in a CSV file, whatever the column.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")


def read_table(source: Source, path: Path | None = None) -> pd.DataFrame:
    """All rows: strings for a CSV file (missing values None), its own types for Parquet. Raises ContractError."""
    from pyarrow import csv, parquet

    with reading(source, path) as file:
        if is_parquet(source, file):
            return plain_types(parquet.read_table(file).to_pandas())
        frame: pd.DataFrame = csv.read_csv(file, *csv_options(file, source)).slice(1).to_pandas()
        return frame


def read_batches(source: Source, path: Path | None = None) -> Iterator[pd.DataFrame]:
    """The same, some rows at a time; at least one frame, if without rows."""
    with reading(source, path) as file:
        for table in arrow_batches(source, file):
            frame = table.to_pandas()
            yield plain_types(frame) if is_parquet(source, file) else frame


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
    except (arrow.ArrowException, UnicodeError) as error:
        raise ContractError(f"{path.name} cannot be read: {str(error).splitlines()[0]}.", "Mend the file.") from None


def is_parquet(source: Source, path: Path) -> bool:
    """Whether a file is read as Parquet: by its name, else as the raw data."""
    return path.suffix in (".parquet", ".pq") or (source.format == "parquet" and path.suffix != ".csv")


def arrow_batches(source: Source, path: Path) -> Iterator[arrow.Table]:
    """A file's rows, about BATCH at a time; at least one table, if without rows."""
    return parquet_batches(path) if is_parquet(source, path) else csv_batches(path, source)


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


def csv_batches(path: Path, source: Source) -> Iterator[arrow.Table]:
    """A CSV file's rows as strings, at least BATCH at a time."""
    import pyarrow as arrow
    from pyarrow import csv

    reader = csv.open_csv(path, *csv_options(path, source))
    waiting = [reader.read_next_batch().slice(1)]  # without the header
    for batch in reader:
        if sum(map(len, waiting)) >= BATCH:
            yield arrow.Table.from_batches(waiting)
            waiting = []
        waiting.append(batch)
    yield arrow.Table.from_batches(waiting)


def csv_options(path: Path, source: Source) -> tuple[Any, Any, Any]:
    """How to read, to parse and to convert. The header is read as a row, since its names may hold line breaks."""
    import csv

    import pyarrow as arrow
    from pyarrow import csv as arrow_csv

    with path.open(encoding=source.encoding, newline="") as file:
        header = next(csv.reader(file, delimiter=source.separator, quotechar=source.quote), [])
    return (
        arrow_csv.ReadOptions(encoding=source.encoding.removesuffix("-sig"), column_names=header, skip_rows=0),
        arrow_csv.ParseOptions(delimiter=source.separator, quote_char=source.quote, newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, arrow.string()), null_values=list(MISSING), strings_can_be_null=True
        ),
    )


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
        return values.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(kind, (pd.PeriodDtype, pd.IntervalDtype)):
        return values.map(str, na_action="ignore").astype(object)
    if pd.api.types.is_timedelta64_dtype(kind):
        return values.dt.total_seconds()
    if not pd.api.types.is_object_dtype(kind) or not values.notna().any():
        return values
    first = values.dropna().iloc[0]
    if isinstance(first, date):
        return pd.to_datetime(values)
    if type(first).__name__ == "Decimal":
        return values.astype("float64")
    return values if isinstance(first, (str, bool, int, float)) else values.map(str, na_action="ignore")
