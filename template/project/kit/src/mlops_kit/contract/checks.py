"""What breaks the contract: in a frame, in a file, in newer data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.files import read_batches

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pandera.pandas as pa

    from mlops_kit.contract.contract import Column, Contract


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
        by_rule = cases.groupby(["column", "check"], sort=False)
        return [_violation(contract, name, rule, group) for (name, rule), group in by_rule]
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
    for raw in read_batches(contract.source, path):
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
