"""The form of a check, and of what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is not as it should be."""

    check: str
    what: str
    why: str
    mend: str
    safe: bool  # nothing of yours is lost or leaves this machine: --fix runs it


Found = Iterator[tuple[str, str]]  # what is wrong, and the command that mends it


@dataclass(frozen=True)
class Check:
    """One look at one thing."""

    name: str
    why: str
    safe: bool
    look: Callable[[], Found]

    @property
    def should(self) -> str:
        """What should be so."""
        return (self.look.__doc__ or "").splitlines()[0]


def check(why: str, safe: bool = False) -> Callable[[Callable[[], Found]], Check]:
    """Make a check of a function, under its name."""
    return lambda look: Check(look.__name__.replace("_", "-"), why, safe, look)
