"""The data contract: what contract.yaml says, and what follows from it.

Reading, checking, comparing and generating data all go by the contract, so nothing else knows the columns' names.
A frame that comes out of `read` or `coerce` has three kinds of columns: float64 (numeric, boolean),
datetime64 (date) and str (categorical, text); missing values are NaN, NaT and None.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlops_kit.contract.checks import RULES, TYPES, check, compare
from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.files import Numbers, read_table
from mlops_kit.contract.missing import words_for_missing
from mlops_kit.contract.sampling import sample
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd

# The bounds have short names in contract.yaml.
LONG_NAMES = {"min": "minimum", "max": "maximum"}
SHORT_NAMES = {long: short for short, long in LONG_NAMES.items()}

HEADER = """\
# The data contract: what the pipeline, the tests and the service expect of the data.
# Written once from the data, then yours: edit it as the data's meaning changes.
#
#   type        numeric, boolean, categorical, date or text
#   min, max    what was seen, with a tenth of the range to spare (a date has no max: time goes on)
#   categories  what was seen; another value is a violation
#   nulls       the largest share of missing values that is accepted
#   missing     words that mean "no value": the file's in source, a column's in its row ([]: none but the empty cell)
#   ignored     columns that are in the file but not used, and why
"""


@dataclass(frozen=True)
class Source:
    """Where the raw data is and how it is written. `example` names a data set that the project can write itself.

    `skip` counts the lines before the header and `units` the rows of units after it. `unnamed` says which column has no
    name in a header that is one cell narrower than the rows: first or last. `missing` is what means "no value".
    """

    path: str
    format: str = "csv"
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    example: str = ""
    skip: int = 0
    units: int = 0
    unnamed: str = ""
    escape: str = ""
    missing: tuple[str, ...] | None = None

    @property
    def style(self) -> dict[str, Any]:
        """How pandas writes CSV as the raw data is written."""
        return dict(sep=self.separator, quotechar=self.quote, decimal=self.decimal, encoding=self.encoding)

    @property
    def dialect(self) -> dict[str, Any]:
        """How Python's csv module reads the raw data."""
        return dict(delimiter=self.separator, quotechar=self.quote, escapechar=self.escape or None)

    def to_dict(self) -> dict[str, Any]:
        """The line of contract.yaml: only what is set."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        row: dict[str, Any] = {name: value for name, value in found.items() if value and name != "missing"}
        if self.format == "parquet":
            row = {key: row[key] for key in ("path", "format")}
        return row if self.missing is None else {**row, "missing": list(self.missing)}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Source:
        """Read that line. Raises TypeError for a setting that there is not."""
        return cls(**{**row, "missing": _as_words(row.get("missing"))})


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
    missing: tuple[str, ...] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings other than name, type and nulls, by field."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: value
            for name, value in found.items()
            if name not in ("name", "type", "nulls")
            and not (value is None or value is False or (value in ("", ()) and name != "missing"))
        }

    def to_dict(self) -> dict[str, Any]:
        """The row of contract.yaml: only what is set."""
        row = {
            SHORT_NAMES.get(name, name): list(value) if isinstance(value, tuple) else value
            for name, value in self.settings.items()
        }
        return {"type": self.type, **row, "nulls": self.nulls}

    @classmethod
    def from_dict(cls, name: str, row: dict[str, Any]) -> Column:
        """Read a row of contract.yaml. Raises ContractError for what it cannot mean."""
        known = {item.name for item in fields(cls)} - {"name"}
        values = {LONG_NAMES.get(key, key): value for key, value in row.items()}
        unknown = sorted(set(values) - known)
        if unknown or values.get("type") not in TYPES:
            what = f"has no setting {unknown[0]!r}" if unknown else f"has the unknown type {values.get('type')!r}"
            raise ContractError(f"Column {name!r} in contract.yaml {what}.", f"Types are: {', '.join(TYPES)}.")
        settings: dict[str, Any] = {**values, "missing": _as_words(values.get("missing"))}
        settings |= {key: tuple(values[key]) for key in ("categories", "true_values", "false_values") if key in values}
        column = cls(name=name, **settings)
        _refuse_unusable(column)
        return column


@dataclass(frozen=True)
class Contract:
    """What contract.yaml says of the data.

    `problem` is classification or regression, `rows` the number of rows that the contract was inferred from. `columns`
    holds the features and the target, in the file's order; `ignored` the other columns, each with the reason.
    """

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

    @property
    def numbers(self) -> Numbers:
        """The columns that a CSV file can be read as numbers of."""
        chosen = [column for column in self.columns if column.type == "numeric" and not column.categories]
        words = [words_for_missing(self.source, column) for column in chosen]
        return Numbers(frozenset(column.name for column in chosen), frozenset.intersection(*words or [frozenset()]))

    def with_path(self, path: str) -> Contract:
        """The same contract for data at another path."""
        return replace(self, source=replace(self.source, path=path))

    def dump(self) -> str:
        """The text of contract.yaml."""
        lines = [HEADER, _line("problem", self.problem), _line("target", self.target)]
        lines += [_line("source", self.source.to_dict())]
        lines += [_line("rows", self.rows), "columns:"]
        lines += ["  " + _line(column.name, column.to_dict()) for column in self.columns]
        lines += (
            ["ignored:", *("  " + _line(*pair) for pair in self.ignored.items())] if self.ignored else ["ignored: {}"]
        )
        return "\n".join(lines) + "\n"

    # What the contract can do is in the modules beside; these names are its everyday surface.

    def read(self, path: Path | None = None) -> pd.DataFrame:
        """The raw data as a typed frame, shape (rows, columns), without the ignored columns.

        `path` names another file than `source` does. Raises ContractError where the file is not as `source` says, lacks
        a column, or has a value that is not of the column's type.
        """
        return coerce(self, read_table(self.source, path, self.numbers), with_target=True)

    def coerce(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows from anywhere as the model's input: the features, typed and in order, shape (rows, features).

        Raises ContractError where a column is missing or a value is not of the column's type.
        """
        return coerce(self, rows, with_target=False)

    def labels(self, frame: pd.DataFrame) -> Any:
        """The target of a typed frame: shape (rows,); float64 for a regression, else of the classes' type."""
        values = frame[self.target]
        if not self.classes:
            return values.to_numpy(dtype="float64")
        return values.to_numpy(dtype=object if isinstance(self.classes[0], str) else type(self.classes[0]))

    def check(self, frame: pd.DataFrame) -> list[str]:
        """What in a typed frame breaks the contract, a sentence each; empty where it keeps it."""
        return check(self, frame)

    def sample(self, rows: int, seed: int = 0) -> pd.DataFrame:
        """A typed frame of generated rows that keep the contract, with a target that can be learnt."""
        return sample(self, rows, seed)

    def compare(self, other: Contract) -> list[str]:
        """How newer data, described by `other`, differs from what this contract accepts."""
        return compare(self, other)


def _refuse_unusable(column: Column) -> None:
    """Raise ContractError for a setting that the column's type cannot have, or that is no number and has to be one."""
    told = f"Column {column.name!r} in contract.yaml: the setting"
    for rule in RULES:
        if rule.setting in column.settings and column.type not in rule.types:
            setting = SHORT_NAMES.get(rule.setting, rule.setting)
            raise ContractError(
                f"{told} {setting!r} is not for {column.type} columns.",
                f"Remove it, or change the type to one of: {', '.join(rule.types)}.",
            )
    bounds = {"min": column.minimum, "max": column.maximum} if column.type in ("numeric", "boolean") else {}
    for setting, value in {"nulls": column.nulls, **bounds}.items():
        if not isinstance(value, int | float) and (value is not None or setting == "nulls"):
            what = f"{told} {setting!r} is {value!r}, which is not a number."
            raise ContractError(what, "Write digits: YAML reads 1e5 as text.")


def _as_words(words: Any) -> tuple[str, ...] | None:
    """The words of a setting `missing`: a list, or one word; YAML reads some of them as numbers or nothing."""
    if words is None:
        return None
    return tuple("null" if word is None else str(word) for word in (words if isinstance(words, list) else [words]))


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
    """Read the project's contract.yaml, or another one. Raises ContractError where it is missing or cannot be read."""
    if path is None:
        path = project().root / "contract.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        columns = tuple(Column.from_dict(str(name), row) for name, row in raw["columns"].items())
        contract = Contract(
            problem=raw["problem"],
            target=str(raw["target"]),
            source=Source.from_dict(raw["source"]),
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
