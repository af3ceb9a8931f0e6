"""A decision threshold: the probability from which on a classifier answers with the positive class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decision:
    """The positive class, and the least probability by which it is the answer."""

    positive: Any
    threshold: float

    def __str__(self) -> str:
        return f"{self.positive!r} from a probability of {self.threshold:.4g}"
