"""What in the data speaks against a split at random: rows in the order of time, identifiers that repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlops_kit.contract import Contract
from mlops_kit.ground import params

if TYPE_CHECKING:
    import pandas as pd

OF_SOMEBODY = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|nr|no)$|[a-z]I[Dd]$|^(customer|client|patient|user|subject|person|account|device|"
    r"session|household|machine|store)$",
    re.IGNORECASE,
)
FEWEST_GROUPS = 5
RARE = 0.1  # a class with less than this share of the rows


def proposals(contract: Contract, frame: pd.DataFrame) -> Iterator[str]:
    """A sentence for each column by which the rows had better be split, and why."""
    import pandas as pd

    for name in [column.name for column in contract.features]:
        values = frame[name]
        dates, numbers = pd.api.types.is_datetime64_any_dtype(values), pd.api.types.is_numeric_dtype(values)
        ordered = (dates or numbers) and _in_order(values, counting=numbers)
        names = OF_SOMEBODY.search(name) is not None
        if not (ordered or names) or values.isna().any():
            continue
        distinct = values.nunique()  # last: on many rows it takes longer than all else
        if distinct < FEWEST_GROUPS:
            continue
        if dates and ordered:
            yield proposal(
                "time", name, f"the rows are in the order of {name!r}, and a model is asked about what comes later"
            )
        elif numbers and ordered and distinct == len(values):
            yield proposal("time", name, f"{name!r} numbers the rows, so that it may tell their time")
        elif names and 2 * distinct <= len(values) and _names(values):
            yield proposal(
                "group", name, f"{name!r} repeats ({distinct} values), and equal ones in both parts are easy to guess"
            )


def rare_class(contract: Contract, frame: pd.DataFrame) -> Iterator[str]:
    """A sentence where one of two classes is rare, and the primary metric says little of it."""
    shares = frame[contract.target].value_counts(normalize=True)
    primary = params()["evaluate"].get("primary")
    if len(contract.classes) == 2 and shares.min() < RARE and primary != "average_precision":
        rare = shares.idxmin()
        setting = f"primary: average_precision, positive: {rare!r}"
        yield (
            f"think of another metric: {rare!r} has {shares.min():.1%} of the rows, and {primary} says little of a "
            "rare class. In params.yaml: evaluate: {" + setting + "}"
        )


def proposal(way: str, column: str, why: str) -> str:
    """What to write into params.yaml, and why."""
    setting = f"by: {way}, column: {column!r}"
    return f"think of a split by {way}: {why}. In params.yaml: split: " + "{" + setting + "}"


def _in_order(values: pd.Series, counting: bool = False) -> bool:
    ordered = values.is_monotonic_increasing or values.is_monotonic_decreasing
    return bool(ordered and (not counting or values.diff().dropna().abs().nunique() == 1))


def _names(values: pd.Series) -> bool:
    """Whether values can be names of something: text, or whole numbers of which there are many."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values):
        return True
    return bool((values % 1 == 0).all()) and values.nunique() > 20
