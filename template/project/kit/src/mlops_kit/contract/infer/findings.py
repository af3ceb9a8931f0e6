"""What was decided or noticed while a file was looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that was decided or noticed; `level` is info or warning."""

    level: str
    text: str


class Findings(list[Finding]):
    """What was decided so far."""

    def info(self, text: str) -> None:
        """Note a decision."""
        self.append(Finding("info", text))

    def warn(self, text: str) -> None:
        """Note what a person should look at."""
        self.append(Finding("warning", text))
