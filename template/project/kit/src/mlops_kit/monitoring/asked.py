"""What the service was asked, and what it answered: its prediction log, read back.

The log is one line of JSON a row, in the *.jsonl of a folder (PREDICTION_LOG, or logs/); the service writes it.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 100_000  # the newest; more need more memory and tell no more


def logs() -> Path:
    """Where the prediction log is, where nothing else is set."""
    return project().root / "logs"


@dataclass(frozen=True)
class Asked:
    """A row as it was asked and answered. `version` is the model's, `request` the request's id."""

    row: dict[str, Any]
    prediction: Any = None
    version: str = ""
    request: str = ""
    time: str = ""


def log_folder() -> Path:
    """Where the service writes its prediction log."""
    return Path(os.environ.get("PREDICTION_LOG") or logs())


def how_to_log(folder: Path) -> str:
    """What makes the service write a log there."""
    return f"start the service with PREDICTION_LOG={shlex.quote(str(folder))}, so that it logs what it is asked"


def is_empty(folder: Path) -> bool:
    """Whether there is no log."""
    return not any(folder.glob("*.jsonl"))


def read(folder: Path, since: datetime | None = None) -> list[Asked]:
    """The newest rows of the log, in its order, of those that were asked from `since` on, which names its time zone.

    A line that was cut off in the middle, or whose time is needed and cannot be read, is left out, and said.
    """
    found: deque[Asked] = deque(maxlen=MOST_ROWS)
    broken = 0
    for line in _lines(folder):
        try:
            told = json.loads(line)
            row = told["row"]
            if since and _time(told["time"]) < since:
                continue
            keys = ("version", "request", "time")
            found.append(Asked(dict(row), told.get("prediction"), *(str(told.get(key, "")) for key in keys)))
        except (ValueError, KeyError, TypeError, AttributeError):
            broken += 1
    if broken:
        why = "broken or without a time" if since else "broken"
        print(f"{broken} lines of the prediction log are {why}, and left out", file=sys.stderr)
    return list(found)


def _time(text: str) -> datetime:
    """When it was asked; without a time zone it is UTC, which the service writes. Raises ValueError, TypeError."""
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file


def frame(contract: Contract, asked: list[Asked]) -> pd.DataFrame:
    """The rows, typed by the contract. Raises ContractError."""
    import pandas as pd

    names = [column.name for column in contract.features]
    # A row that was asked under an older contract may lack a column: there it is missing.
    return contract.coerce(pd.DataFrame([one.row for one in asked], columns=names))
