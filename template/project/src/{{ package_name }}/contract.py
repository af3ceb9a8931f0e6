"""The data contract: what contract.yaml says, and what follows from it.

Reading, checking, comparing and generating data all go by the contract, so nothing else knows the columns' names.
A frame that comes out of `read` or `coerce` has three kinds of columns: float64 (numeric, boolean),
datetime64 (date) and str (categorical, text); missing values are NaN, NaT and None.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pandera.pandas as pa
    import pyarrow as arrow

TYPES = ("numeric", "boolean", "categorical", "date", "text")
# A currency before a number, or a currency or percent sign after it, is no part of it.
MARKS = r"^\s*([+-]?)\s*[$€£¥]?\s*([\d.]+)\s*[%$€£¥]?\s*$"
# The bounds have short names in contract.yaml.
LONG_NAMES = {"min": "minimum", "max": "maximum"}
SHORT_NAMES = {long: short for short, long in LONG_NAMES.items()}

BATCH = 50_000  # rows in memory at a time, where a file is read in batches
# Cells that mean "no value" in a CSV file, whatever the column.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?", "-")

HEADER = """\
# The data contract: what the pipeline, the tests and the service expect of the data.
# Written once from the data, then yours: edit it as the data's meaning changes.
#
#   type        numeric, boolean, categorical, date or text
#   min, max    what was seen, with a tenth of the range to spare (a date has no max: time goes on)
#   categories  what was seen; another value is a violation
#   nulls       the largest share of missing values that is accepted
#   ignored     columns that are in the file but not used, and why
"""


class ContractError(Exception):
    """Data or contract that cannot be used: one sentence, and what to do next."""

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(f"{sentence} {next_step}".strip())
        self.sentence = sentence
        self.next_step = next_step


@dataclass(frozen=True)
class Source:
    """Where the raw data is and how it is written. `example` names a data set that the project can write itself."""

    path: str
    format: str = "csv"
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    example: str = ""

    @property
    def style(self) -> dict[str, Any]:
        """How pandas writes CSV as the raw data is written."""
        return dict(sep=self.separator, quotechar=self.quote, decimal=self.decimal, encoding=self.encoding)


@dataclass(frozen=True)
class Column:
    """What is expected of one column. Bounds are numbers; a date has a first day only."""

    name: str
    type: str
    nulls: float = 0.0
    integer: bool = False
    minimum: Any = None
    maximum: Any = None
    categories: tuple[Any, ...] = ()
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    format: str = ""
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The row of contract.yaml: only what is set."""
        row: dict[str, Any] = {"type": self.type}
        for item in fields(self):
            value = getattr(self, item.name)
            unset = value is None or value is False or value in ("", ())
            if item.name not in ("name", "type", "nulls") and not unset:
                row[SHORT_NAMES.get(item.name, item.name)] = list(value) if isinstance(value, tuple) else value
        return {**row, "nulls": self.nulls}

    @classmethod
    def from_dict(cls, name: str, row: dict[str, Any]) -> Column:
        """Read a row of contract.yaml. Raises ContractError for what it cannot mean."""
        known = {item.name for item in fields(cls)} - {"name"}
        values = {LONG_NAMES.get(key, key): value for key, value in row.items()}
        unknown = sorted(set(values) - known)
        if unknown or values.get("type") not in TYPES:
            what = f"has no setting {unknown[0]!r}" if unknown else f"has the unknown type {values.get('type')!r}"
            raise ContractError(f"Column {name!r} in contract.yaml {what}.", f"Types are: {', '.join(TYPES)}.")
        lists = {
            key: tuple(values[key]) for key in ("categories", "true_values", "false_values", "missing") if key in values
        }
        return cls(name=name, **{**values, **lists})


@dataclass(frozen=True)
class Contract:
    """The whole contract. `columns` holds the features and the target, in the file's order."""

    problem: str
    target: str
    source: Source
    rows: int
    columns: tuple[Column, ...]
    ignored: dict[str, str] = field(default_factory=dict)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that a prediction is made from."""
        return tuple(column for column in self.columns if column.name != self.target)

    @property
    def target_column(self) -> Column:
        """The column that is predicted."""
        return next(column for column in self.columns if column.name == self.target)

    @property
    def classes(self) -> list[Any]:
        """The target's classes, sorted as in the contract; empty for a regression."""
        return list(self.target_column.categories)

    def of_type(self, *types: str) -> list[str]:
        """The names of the features of these types."""
        return [column.name for column in self.features if column.type in types]

    def with_path(self, path: str) -> Contract:
        """The same contract for data at another path."""
        return replace(self, source=replace(self.source, path=path))

    def dump(self) -> str:
        """The text of contract.yaml."""
        source = {f.name: getattr(self.source, f.name) for f in fields(Source) if getattr(self.source, f.name)}
        if self.source.format == "parquet":
            source = {key: source[key] for key in ("path", "format")}
        lines = [HEADER, _line("problem", self.problem), _line("target", self.target), _line("source", source)]
        lines += [_line("rows", self.rows), "columns:"]
        lines += ["  " + _line(column.name, column.to_dict()) for column in self.columns]
        lines += (
            ["ignored:", *("  " + _line(*pair) for pair in self.ignored.items())] if self.ignored else ["ignored: {}"]
        )
        return "\n".join(lines) + "\n"

    # What the contract can do is in the functions below; these names are its everyday surface.

    def read(self, path: Path | None = None) -> pd.DataFrame:
        """The raw data as a typed frame, without the ignored columns. Raises ContractError."""
        return coerce(self, read_table(self.source, path), with_target=True)

    def coerce(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows from anywhere as the model's input: the features, in order, typed. Raises ContractError."""
        return coerce(self, rows, with_target=False)

    def labels(self, frame: pd.DataFrame) -> Any:
        """The target of a typed frame, as an estimator takes it: shape (rows,)."""
        values = frame[self.target]
        if not self.classes:
            return values.to_numpy(dtype="float64")
        return values.to_numpy(dtype=object if isinstance(self.classes[0], str) else type(self.classes[0]))

    def check(self, frame: pd.DataFrame) -> list[str]:
        """What in a typed frame breaks the contract, a sentence each."""
        return check(self, frame)

    def sample(self, rows: int, seed: int = 0) -> pd.DataFrame:
        """A typed frame of generated rows that keep the contract, with a target that can be learnt."""
        return sample(self, rows, seed)

    def compare(self, other: Contract) -> list[str]:
        """How newer data, described by `other`, differs from what this contract accepts."""
        return compare(self, other)


def _line(key: str, value: Any) -> str:
    """One `key: value` in YAML's flow style, whatever characters are in them."""
    return f"{_flow(key)}: {_flow(value)}"


def _flow(value: Any) -> str:
    """A value in YAML's flow style, on one line; a string that YAML would fold or break is written as in JSON."""
    if isinstance(value, str) and (not value or not value.isprintable()):
        plain = {'"': '\\"', "\\": "\\\\"}
        return '"' + "".join(plain.get(c, c) if c.isprintable() else f"\\U{ord(c):08x}" for c in value) + '"'
    text: str = yaml.safe_dump([value], default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.strip()[1:-1]


def load(path: Path | None = None) -> Contract:
    """Read contract.yaml. Raises ContractError with a sentence where it makes no sense."""
    if path is None:
        from . import ROOT

        path = ROOT / "contract.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        columns = tuple(Column.from_dict(str(name), row) for name, row in raw["columns"].items())
        contract = Contract(
            problem=raw["problem"],
            target=str(raw["target"]),
            source=Source(**raw["source"]),
            rows=raw["rows"],
            columns=columns,
            ignored=raw.get("ignored") or {},
        )
    except FileNotFoundError:
        raise ContractError(f"{path} is missing.", "Write it with: uv run poe contract FILE --target COLUMN") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ContractError(f"{path.name} cannot be understood: {' '.join(str(error).split())}.") from None
    if contract.target not in [column.name for column in columns]:
        raise ContractError(f"The target {contract.target!r} is not among the columns of {path.name}.")
    return contract


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

    if path is None:
        from . import ROOT

        path = ROOT / source.path
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


def row_hashes(contract: Contract, rows: pd.DataFrame) -> np.ndarray:
    """What tells whether rows are equal in all features: uint64, shape (rows,)."""
    import pandas as pd

    features = rows[[column.name for column in contract.features]]
    found: np.ndarray = pd.util.hash_pandas_object(features, index=False).to_numpy()
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


# --- typing ----------------------------------------------------------------------------------------------------------


def coerce(contract: Contract, rows: pd.DataFrame, with_target: bool) -> pd.DataFrame:
    """Pick the contract's columns and give them its types. A value that does not fit raises ContractError."""
    import pandas as pd

    wanted = contract.columns if with_target else contract.features
    absent = [column.name for column in wanted if column.name not in rows.columns]
    if absent:
        raise ContractError(f"Missing columns: {', '.join(absent)}.", "contract.yaml lists what is expected.")
    return pd.DataFrame({column.name: convert(contract, column, rows[column.name]) for column in wanted}, copy=False)


def convert(contract: Contract, column: Column, values: pd.Series) -> pd.Series:
    """One column in the contract's type. Raises ContractError that shows the first value that does not fit."""
    import pandas as pd

    if column.missing and not pd.api.types.is_numeric_dtype(values):
        values = values.mask(values.isin(column.missing))
    if column.name == contract.target and column.categories:
        return _to_labels(column, values)
    if column.type in ("categorical", "text"):
        texts = values if pd.api.types.is_string_dtype(values) else values.map(str, na_action="ignore")
        return texts.astype(object).where(values.notna(), None)
    if column.type == "date":
        converted = _to_dates(column, values)
    elif pd.api.types.is_numeric_dtype(values):  # bool too
        converted = values.astype("float64")
    elif column.type == "boolean":
        spellings = {
            **dict.fromkeys(column.true_values, 1.0),
            **dict.fromkeys(column.false_values, 0.0),
            "True": 1.0,
            "False": 0.0,
        }
        converted = values.map(str, na_action="ignore").map(spellings).astype("float64")
    else:
        converted = to_numbers(values, contract.source.decimal, contract.source.thousands)
    unreadable = values.notna() & converted.isna()
    if unreadable.any():
        example = values[unreadable].iloc[0]
        raise ContractError(f"Column {column.name!r}: {example!r} is no {column.type} value ({unreadable.sum()} such).")
    return converted


def to_numbers(values: pd.Series, decimal: str = ".", thousands: str = "") -> pd.Series:
    """Strings as float64, without currency and percent signs; what is no number becomes NaN."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    if thousands or decimal != ".":
        values = values.astype("str")
        if thousands:
            mark = re.escape(thousands)
            values = values.str.replace(rf"(?<=\d)(?<!\b0){mark}(?=\d\d\d(?!\d))", "", regex=True)
            values = values.mask(values.str.contains(mark))  # 1.5 beside 1.500, which is one thousand and a half
        if decimal != ".":
            values = values.str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    odd = values[numbers.isna() & values.notna()]
    if odd.empty:
        return numbers
    bare = odd.astype("str").str.replace(MARKS, r"\1\2", regex=True)
    return numbers.fillna(pd.to_numeric(bare, errors="coerce").astype("float64"))


def _to_dates(column: Column, values: pd.Series) -> pd.Series:
    """Dates as the file writes them or in ISO 8601, those with a time zone in UTC; what is no date becomes NaT."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return _in_utc(values)
    written = values.mask(values.isin(("now", "today")))  # to pandas these are dates, which change while it runs
    zoned = not column.format or "%z" in column.format
    dates = _in_utc(pd.to_datetime(written, format=column.format or "ISO8601", errors="coerce", utc=zoned))
    others = written.where(dates.isna())
    if others.notna().any():  # a caller may send ISO dates, whatever the file has
        dates = dates.fillna(_in_utc(pd.to_datetime(others, format="ISO8601", errors="coerce", utc=True)))
    return dates


def _in_utc(dates: pd.Series) -> pd.Series:
    """Dates without a time zone: those that have one are moved to UTC, the others stay as they are."""
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return dates.astype("datetime64[us]")


def _to_labels(column: Column, values: pd.Series) -> pd.Series:
    """The target's classes as they are in the contract: whole numbers, booleans or strings; missing stays None."""
    labels = {str(label): label for label in column.categories}
    if all(isinstance(label, int) and not isinstance(label, bool) for label in column.categories):
        labels |= {str(float(label)): label for label in column.categories}
    texts = values.map(str, na_action="ignore").astype(object)
    unknown = sorted(set(texts.dropna()) - set(labels))
    if unknown:
        raise ContractError(f"Target {column.name!r}: {unknown[0]!r} is none of the contract's classes.")
    return texts.map(labels).astype(object).where(values.notna(), None)


# --- checking --------------------------------------------------------------------------------------------------------


def schema(contract: Contract) -> pa.DataFrameSchema:
    """The contract as a pandera schema."""
    import pandera.pandas as pa

    def checks(column: Column) -> list[pa.Check]:
        found = [pa.Check(lambda s, most=column.nulls: s.isna().mean() <= most, ignore_na=False, error="nulls")]
        if column.categories:
            found.append(pa.Check.isin(list(column.categories), error="categories"))
        if column.minimum is not None:
            found.append(pa.Check.ge(_bound(column.minimum), error="min"))
        if column.maximum is not None:
            found.append(pa.Check.le(_bound(column.maximum), error="max"))
        if column.integer:
            found.append(pa.Check(lambda s: s % 1 == 0, error="integer"))
        return found

    return pa.DataFrameSchema({c.name: pa.Column(None, checks(c), nullable=True) for c in contract.columns})


def _bound(value: Any) -> Any:
    """A bound as pandas compares it."""
    import pandas as pd

    return pd.Timestamp(value) if isinstance(value, date) else value


def check(contract: Contract, frame: pd.DataFrame) -> list[str]:
    """What in a typed frame breaks the contract, a sentence each; empty is good."""
    from pandera.errors import SchemaErrors

    try:
        schema(contract).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        return [
            _violation(contract, *key, cases=group) for key, group in cases.groupby(["column", "check"], sort=False)
        ]
    return []


def _violation(contract: Contract, name: str, rule: str, cases: pd.DataFrame) -> str:
    column = next(column for column in contract.columns if column.name == name)
    if rule == "nulls":
        return too_many_missing(column)
    limit = {
        "min": column.minimum,
        "max": column.maximum,
        "categories": "the known categories",
        "integer": "whole numbers",
    }
    word = {"min": "below", "max": "above", "categories": "outside", "integer": "not among"}
    example = cases["failure_case"].iloc[0]
    shown = repr(example) if isinstance(example, str) else str(example)
    return f"{name!r}: {len(cases)} values {word[rule]} {limit[rule]}, such as {shown}"


def too_many_missing(column: Column) -> str:
    """That violation's sentence."""
    return f"{column.name!r}: more than {column.nulls:.1%} of the values are missing"


def require(violations: list[str], source: str) -> None:
    """Raise ContractError where there are any."""
    if violations:
        listed = "\n  ".join(violations)
        raise ContractError(f"{source} breaks the contract:\n  {listed}\n", "Mend the data, or edit contract.yaml.")


def compare(old: Contract, new: Contract) -> list[str]:
    """How newer data differs from what the contract accepts, a sentence each."""
    theirs = {column.name: column for column in new.columns}
    found = [f"column {c.name!r} is gone" for c in old.columns if c.name not in {*theirs, *new.ignored}]
    known = {column.name for column in old.columns} | set(old.ignored)
    found += [f"column {name!r} is new" for name in theirs if name not in known]
    return found


# --- generating ------------------------------------------------------------------------------------------------------


def sample(contract: Contract, rows: int, seed: int) -> pd.DataFrame:
    """Generated rows that keep the contract: for tests and CI, where the real data must not or cannot be.

    Each feature is drawn on its own; the target follows a weighted sum of their ranks, so that a model can learn it.
    """
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(seed)
    data: dict[str, Any] = {}
    score = np.zeros(rows)
    for weight, column in enumerate(contract.features, start=1):
        drawn = generator.random(rows)
        score += (drawn - 0.5) / weight**0.5
        values = _spread(column, drawn)
        values.iloc[generator.permutation(rows)[: int(rows * column.nulls / 2)]] = None
        data[column.name] = values
    ranks = pd.Series(score).rank(pct=True, method="first").to_numpy() - 0.5 / max(rows, 1)
    data[contract.target] = _spread(contract.target_column, ranks)
    return pd.DataFrame(data)[[column.name for column in contract.columns]]


def _spread(column: Column, drawn: Any) -> pd.Series:
    """Numbers in [0, 1) spread over what the column may hold."""
    import numpy as np
    import pandas as pd

    if column.categories:
        codes = (drawn * len(column.categories)).astype(int)
        return pd.Series(np.array(column.categories, dtype=object)[codes], dtype=object)
    if column.type == "boolean":
        return pd.Series((drawn >= 0.5).astype("float64"))
    if column.type == "text":
        words = np.array(["short", "plain", "long", "careful", "quick", "late"], dtype=object)
        return pd.Series(
            [" ".join(words[[int(d * 6), int(d * 36) % 6, int(d * 216) % 6]]) for d in drawn], dtype=object
        )
    if column.type == "date":
        first = pd.Timestamp(column.minimum or date(2020, 1, 1))
        return pd.Series(first + pd.to_timedelta(np.floor(drawn * 730), unit="D")).astype("datetime64[us]")
    low, high = column.minimum or 0.0, column.maximum if column.maximum is not None else (column.minimum or 0.0) + 1.0
    values = low + (high - low) * drawn
    return pd.Series(
        np.clip(np.round(values), np.ceil(low), np.floor(high)) if column.integer else values, dtype="float64"
    )


def main() -> None:
    """Say whether contract.yaml can be understood (a git hook)."""
    try:
        contract = load()
    except ContractError as error:
        sys.exit(str(error))
    print(f"{contract.problem} of {contract.target!r} from {len(contract.features)} columns")


if __name__ == "__main__":
    main()
