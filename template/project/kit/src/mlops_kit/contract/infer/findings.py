"""What was decided or noticed while a file was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that was decided or noticed; `level` is info or warning."""

    level: str
    text: str


def listed(names: Iterable[str], most: int = 30) -> str:
    """Names in a sentence: the first ones, long ones cut."""
    shown = [(name if len(name) <= 50 else f"{name[:47]}...") or "(no name)" for name in names]
    return ", ".join(shown[:most]) + ", ..." * (len(shown) > most)


class Findings(list[Finding]):
    """What was decided so far."""

    def info(self, text: str) -> None:
        """Note a decision."""
        self.append(Finding("info", text))

    def warn(self, text: str) -> None:
        """Note what a person should look at."""
        self.append(Finding("warning", text))
