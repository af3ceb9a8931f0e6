"""What is asked of an adoption, and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.planning.planned import CONFLICT, Change

BRANCH = "mlops/adopt"
LEVELS = ("ci", "package", "pipeline")
PROPOSED = "proposed"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    folder: Path
    level: str = LEVELS[0]
    template: str | None = None
    ref: str | None = None
    prereleases: bool = False
    offline: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    data_file: Path | None = None
    defaults: bool = False
    answers_file: str | None = None
    trust: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """Each file with its status; the commits of the branch, oldest first, which a dry run does not make."""

    level: str
    version: str
    changes: list[Change]
    notices: list[str]
    commits: list[str] = field(default_factory=list)
    branch: str = BRANCH

    @property
    def conflicts(self) -> int:
        """How many files both sides have, each in its own version."""
        return sum(change.status == CONFLICT for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        return {**asdict(self), "conflicts": self.conflicts}
