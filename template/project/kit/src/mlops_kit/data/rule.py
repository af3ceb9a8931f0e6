"""The rule of a split: what params.yaml says under `split`, checked before anything is read by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Column, Contract, ContractError
from mlops_kit.ground import params

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("random", "time", "group")
WITHIN = 0.02  # the share of test rows may differ by this much from the one that was asked for


@dataclass(frozen=True)
class Rule:
    """How rows are split: at random, or by the time or the group that a column holds."""

    test: float = 0.2
    seed: int = 42
    by: str = "random"
    column: str = ""

    @classmethod
    def read(cls) -> Rule:
        """The rule of params.yaml; one without `by` is at random. Raises ContractError for what it cannot mean."""
        told = params()["split"]
        rule = cls(**{name: told[name] for name in ("test", "seed", "by", "column") if told.get(name) is not None})
        _require(rule.by in WAYS, f"by is {rule.by!r}", f"Give one of {', '.join(WAYS)}.")
        share = isinstance(rule.test, int | float) and 0 < rule.test < 1
        _require(share, f"test is {rule.test!r}", "Give a share of the rows between 0 and 1, such as 0.2.")
        whole = isinstance(rule.seed, int) and 0 <= rule.seed < 2**32
        _require(whole, f"seed is {rule.seed!r}", "Give a whole number of at least 0.")
        if rule.by == "random":
            return replace(rule, column="")
        _require(bool(rule.column), f"by is {rule.by}, and there is no column", f"Name the column of the {rule.by}.")
        return replace(rule, column=str(rule.column))

    def reading(self, contract: Contract) -> Contract:
        """The contract with the rule's column among those that are read, if it is ignored as a feature.

        Raises ContractError where the data has no such column.
        """
        known = [column.name for column in contract.columns]
        if not self.column or self.column in known:
            _require(self.column != contract.target, f"column is the target, {self.column!r}", "Name another column.")
            return contract
        return with_column(contract, self.column, "split.column in params.yaml is")


def with_column(contract: Contract, name: str, told: str) -> Contract:
    """The contract with one more column to read, no feature. Raises ContractError if the data has no such column."""
    known = [column.name for column in contract.columns]
    if name in known:
        return contract
    if name not in contract.ignored:
        near = get_close_matches(name, [*known, *contract.ignored], 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join([*known, *contract.ignored])}."
        raise ContractError(f"{told} {name!r}, which the data does not have.", hint)
    others = {other: why for other, why in contract.ignored.items() if other != name}
    return replace(contract, columns=(*contract.columns, Column(name, "text", nulls=1.0)), ignored=others)


def _require(right: bool, told: str, hint: str) -> None:
    if not right:
        raise ContractError(f"split in params.yaml cannot be followed: {told}.", hint)


def generated_rows(contract: Contract, rows: int, seed: int = 0) -> pd.DataFrame:
    """Generated rows, with something to split them by where the rule's column is no feature."""
    import numpy as np

    rule, frame = Rule.read(), contract.sample(rows, seed)
    if rule.column and rule.column not in frame:
        frame[rule.column] = np.arange(rows) // (1 if rule.by == "time" else 5)
    return frame


def in_order(contract: Contract, rule: Rule, values: pd.Series) -> pd.Series:
    """The column of a split by time as dates or numbers. Raises ContractError for one that has no order."""
    import pandas as pd

    from mlops_kit.contract import convert, to_numbers
    from mlops_kit.contract.infer.columns import describe
    from mlops_kit.contract.infer.findings import Findings

    if not (pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values)):
        return values
    numbers = to_numbers(values, contract.source.decimal, contract.source.thousands)
    if (numbers.notna() == values.notna()).all():
        return numbers
    present = values.dropna()
    column: Any = describe(present, rule.column, contract.source, Findings())
    if isinstance(column, Column) and column.type == "date":
        return convert(contract, column, values)
    odd = present[numbers[present.index].isna()].iloc[0]
    raise ContractError(
        f"split.column in params.yaml is {rule.column!r}, which holds neither dates nor numbers, such as {odd!r}.",
        "Name a column with an order, or split by group.",
    )
