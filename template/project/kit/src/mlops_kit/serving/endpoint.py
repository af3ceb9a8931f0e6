"""An endpoint, as a caller sees it: where rows are sent, as what body, and where the answers are in what comes back.

`poe load` and tests/serving/test_contract.py ask so; which endpoints there are is in endpoints.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlops_kit.contract import Contract

__all__ = ["rows_as_json"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """The answers to a batch, in its order; the probabilities of the classes for a classification."""

    predictions: list[Any]
    shares: list[list[float]] | None = None


@dataclass(frozen=True)
class Endpoint:
    """One way in: its path, the body that asks for some rows, and the answers that a body holds."""

    path: str
    body: Callable[[Contract, list[Row]], dict[str, Any]]
    answers: Callable[[Contract, dict[str, Any]], Answers]
    nan_is_missing: bool = False  # whether the word NaN stands for a missing number
    drops_ignored: bool = True  # whether a column that contract.yaml ignores may be sent


def rows_as_json(contract: Contract, rows: pd.DataFrame) -> list[Row]:
    """Typed rows as the JSON of a request has them: a dictionary each, without the target; dates in ISO 8601."""
    features = rows.drop(columns=contract.target, errors="ignore")
    found: list[Row] = json.loads(features.to_json(orient="records", date_format="iso"))
    return found
