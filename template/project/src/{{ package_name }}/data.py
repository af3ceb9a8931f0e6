"""The data: files of rows read as they stand, and the stage `prepare`, which checks and splits them.

uv run poe repro                      runs it with the other stages
uv run poe sample --rows 100          generated rows, printed as CSV
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ROOT, params
from .contract import Contract, ContractError, Source, coerce, load, require, too_many_missing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as arrow

TRAIN = Path("data/prepared/train.parquet")
TEST = Path("data/prepared/test.parquet")
SAMPLE_ROWS = 1000  # stands in for the data where it is not to be had
BATCH = 50_000  # rows in memory at a time, where a file is read in batches
# Cells that mean "no value" in a CSV file, whatever the column.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")


def prepare() -> None:
    """Read, check, split, write both parts."""
    contract, settings = load(), params()["split"]
{% if compute == 'ray' %}
    from . import batches

    if batches.is_large(contract):
        batches.prepare(contract, settings["test"], settings["seed"])
        return
{% endif %}
    frame, source = available(contract)
    require(contract.check(frame), source)
    train, test = split(contract, frame, settings["test"], settings["seed"])
    (ROOT / TRAIN).parent.mkdir(parents=True, exist_ok=True)
    train.to_parquet(ROOT / TRAIN, index=False)
    test.to_parquet(ROOT / TEST, index=False)
    print(f"{source}: {len(train)} rows to train on, {len(test)} to test on")


def available(contract: Contract) -> tuple[pd.DataFrame, str]:
    """The raw data where it is here, else generated rows (a CI without access to the data); and which of them."""
    if (ROOT / contract.source.path).exists():
        frame = contract.read()
        kept = frame[frame[contract.target].notna()].reset_index(drop=True)
        if len(kept) < len(frame):
            print(f"{len(frame) - len(kept)} rows without a target are left out")
        return kept, contract.source.path
    return contract.sample(SAMPLE_ROWS), "generated rows (the data is not here)"


def split(contract: Contract, frame: pd.DataFrame, test: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test part, each class in both; rows that are equal in all features stay on one side.

    Raises ContractError where a class is too small to be in both.
    """
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import train_test_split

    groups = pd.Series(row_hashes(frame[[column.name for column in contract.features]]), index=frame.index)
    first = ~groups.duplicated()
    labels = frame.loc[first, contract.target].astype("str") if contract.classes else None
    try:
        _, chosen = train_test_split(groups[first].to_numpy(), test_size=test, random_state=seed, stratify=labels)
    except ValueError as error:
        raise ContractError(f"The data cannot be split: {error}") from None
    in_test = np.isin(groups, chosen)
    return frame[~in_test].reset_index(drop=True), frame[in_test].reset_index(drop=True)


def train_part(contract: Contract) -> pd.DataFrame:
{% if compute == 'ray' %}
    """The rows to train on; of more than are to be in memory, some of them."""
    from . import batches

    return batches.train_part(contract)
{% else %}
    """The rows to train on."""
    import pandas as pd

    return pd.read_parquet(ROOT / TRAIN)
{% endif %}


def write_example(contract: Contract) -> Path:
    """Write the example's raw file from a data set that scikit-learn carries: the same bytes on every machine."""
    from sklearn import datasets

    if contract.source.example == "diabetes":
        bunch: Any = datasets.load_diabetes(as_frame=True, scaled=False)
        frame = bunch.frame.rename(columns=dict(target="progression"))
    else:
        bunch = datasets.load_breast_cancer(as_frame=True)
        frame = bunch.data.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names))))
    path = ROOT / contract.source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")
    return path


def as_written(contract: Contract, rows: pd.DataFrame) -> pd.DataFrame:
    """Typed rows as the raw data has them: truths by its words, whole numbers without a point."""
    written = rows.copy()
    for column in contract.columns:
        if column.type == "boolean" and not column.categories:
            words = {1.0: (*column.true_values, "True")[0], 0.0: (*column.false_values, "False")[0]}
            written[column.name] = rows[column.name].map(words)
        elif column.integer and not column.categories:
            written[column.name] = rows[column.name].astype("Int64")
    return written


# --- files of rows ---------------------------------------------------------------------------------------------------


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

    path = path or ROOT / source.path
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


def row_hashes(rows: pd.DataFrame) -> np.ndarray:
    """What tells whether rows are equal: uint64, shape (rows,)."""
    import pandas as pd

    found: np.ndarray = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    return found


def typed_batches(contract: Contract, path: Path | None = None) -> Iterator[pd.DataFrame]:
    """The raw file in batches, typed by the contract, without the rows that have no target."""
    for raw in read_batches(contract.source, path):
        frame = coerce(contract, raw, with_target=True)
        yield frame[frame[contract.target].notna()].reset_index(drop=True)


def check_file(contract: Contract, path: Path | None = None) -> tuple[int, list[str]]:
    """How many rows there are, and what breaks the contract; no rows are read after a batch that does."""
    any_nulls = replace(contract, columns=tuple(replace(column, nulls=1.0) for column in contract.columns))
    rows, missing, violations = 0, Counter[str](), list[str]()
    for frame in typed_batches(contract, path):
        rows += len(frame)
        missing.update(frame.isna().sum().to_dict())
        violations = any_nulls.check(frame)
        if violations:
            break
    scarce = [column for column in contract.columns if missing[column.name] > column.nulls * rows]
    return rows, [*violations, *map(too_many_missing, scarce)]


# --- the command -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="data", description="Prepare the data, or generate rows.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="check and split the raw data")
    sample = commands.add_parser("sample", help="write rows generated from the contract")
    sample.add_argument("--rows", type=int, default=100)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--output", type=Path, help="a CSV file; printed by default")
    options = parser.parse_args()
    try:
        if options.command == "prepare":
            prepare()
        else:
            contract = load()
            rows = as_written(contract, contract.sample(options.rows, options.seed))
            rows.to_csv(options.output or sys.stdout, index=False, **contract.source.style)
    except ContractError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # `poe repro` says what is now
        sys.exit(130)


if __name__ == "__main__":
    main()
