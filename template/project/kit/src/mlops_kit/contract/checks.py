"""What breaks the contract: in a frame, in a file, in newer data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.files import read_batches

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pandera.pandas as pa

    from mlops_kit.contract.contract import Column, Contract

TYPES = ("numeric", "boolean", "categorical", "date", "text")
ORDERED = ("numeric", "boolean", "date")


@dataclass(frozen=True)
class Rule:
    """A rule for the values of a column, in force where the column has its setting.

    `keeps` takes the setting and typed values, shape (rows,), and says of each whether it keeps the rule; missing
    values are not its business. A file is checked batch by batch, so a rule cannot compare rows. `words` stand between
    the number of values that break it and an example of them; `{}` is the setting.
    """

    setting: str  # a field of Column
    types: tuple[str, ...]  # of the columns that can have it
    keeps: Callable[[Any, pd.Series], pd.Series]
    words: str


RULES = (
    Rule("categories", TYPES, lambda known, values: values.isin(known), "outside the known categories"),
    Rule("minimum", ORDERED, lambda least, values: values >= _bound(least), "below {}"),
    Rule("maximum", ORDERED, lambda most, values: values <= _bound(most), "above {}"),
    Rule("integer", ("numeric", "boolean"), lambda _, values: values % 1 == 0, "not among whole numbers"),
)


def schema(contract: Contract) -> pa.DataFrameSchema:
    """The contract as a pandera schema."""
    import pandera.pandas as pa

    def checks(column: Column) -> list[pa.Check]:
        found = [pa.Check(lambda s, most=column.nulls: s.isna().mean() <= most, ignore_na=False, error="nulls")]
        settings = column.settings
        rules = [rule for rule in RULES if rule.setting in settings]
        return [*found, *(pa.Check(partial(rule.keeps, settings[rule.setting]), error=rule.setting) for rule in rules)]

    return pa.DataFrameSchema({c.name: pa.Column(None, checks(c), nullable=True) for c in contract.columns})


def _bound(value: Any) -> Any:
    """A bound as pandas compares it."""
    import pandas as pd

    return pd.Timestamp(value) if isinstance(value, date) else value


def check(contract: Contract, frame: pd.DataFrame) -> list[str]:
    """What in a typed frame breaks the contract, a sentence each; empty is good."""
    if keeps(contract, frame):
        return []
    from pandera.errors import SchemaErrors

    try:
        schema(contract).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        by_rule = cases.groupby(["column", "check"], sort=False)
        return [_violation(contract, name, rule, group) for (name, rule), group in by_rule]
    return []


def keeps(contract: Contract, frame: pd.DataFrame) -> bool:
    """Whether a typed frame keeps the rules of `schema`. It is quicker to ask than why not: pandera is not loaded."""
    for column in contract.columns:
        if column.name not in frame:
            return False
        values, settings = frame[column.name], column.settings
        missing = values.isna()
        if not missing.mean() <= column.nulls:  # of no rows it is NaN
            return False
        present = values[~missing] if missing.any() else values
        if not all(rule.keeps(settings[rule.setting], present).all() for rule in RULES if rule.setting in settings):
            return False
    return True


def _violation(contract: Contract, name: str, rule: str, cases: pd.DataFrame) -> str:
    column = next(column for column in contract.columns if column.name == name)
    if rule == "nulls":
        return too_many_missing(column)
    words = next(one.words for one in RULES if one.setting == rule).format(getattr(column, rule))
    example = cases["failure_case"].iloc[0]
    shown = repr(example) if isinstance(example, str) else str(example)
    return f"{name!r}: {len(cases)} values {words}, such as {shown}"


def too_many_missing(column: Column) -> str:
    """That violation's sentence."""
    return f"{column.name!r}: more than {column.nulls:.1%} of the values are missing"


def require(violations: list[str], source: str) -> None:
    """Raise ContractError where there are any."""
    if violations:
        listed = "\n  ".join(violations)
        raise ContractError(f"{source} breaks the contract:\n  {listed}\n", "Fix the data, or edit contract.yaml.")


def compare(old: Contract, new: Contract) -> list[str]:
    """How newer data differs from what the contract accepts, a sentence each."""
    theirs = {column.name: column for column in new.columns}
    found = [f"column {c.name!r} is gone" for c in old.columns if c.name not in {*theirs, *new.ignored}]
    known = {column.name for column in old.columns} | set(old.ignored)
    found += [f"column {name!r} is new" for name in theirs if name not in known]
    return found


def typed_batches(contract: Contract, path: Path | None = None) -> Iterator[pd.DataFrame]:
    """The raw file in batches, typed by the contract, without the rows that have no target."""
    for raw in read_batches(contract.source, path, contract.numbers):
        frame = coerce(contract, raw, with_target=True)
        yield frame[frame[contract.target].notna()].reset_index(drop=True)


def check_file(contract: Contract, path: Path | None = None) -> tuple[int, list[str]]:
    """The number of rows of the raw file, and its violations of the contract, a sentence each.

    It is read in batches, up to the first that breaks the contract; rows without a target do not count. Raises
    ContractError where it cannot be read.
    """
    any_nulls = replace(contract, columns=tuple(replace(column, nulls=1.0) for column in contract.columns))
    rows, missing, violations = 0, Counter[str](), list[str]()
    for frame in typed_batches(contract, path):
        rows += len(frame)
        missing.update({str(column): int(number) for column, number in frame.isna().sum().items()})
        violations = any_nulls.check(frame)
        if violations:
            break
    scarce = [column for column in contract.columns if missing[column.name] > column.nulls * rows]
    return rows, [*violations, *map(too_many_missing, scarce)]
