"""What is asked of an update, and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.planning.planned import Change


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    folder: Path
    ref: str | None = None
    prereleases: bool = False
    same_version: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    data_file: Path | None = None
    defaults: bool = False
    offline: bool = False
    dry_run: bool = False
    dirty: bool = False  # a look at an update, as of the last commit
    answers_file: str | None = None
    trust: bool = False
    skip_tasks: bool = False
    engine: str = "merge"
    merge: str = ""  # format or text; as the settings say where neither is asked for
    remove_edited: bool | None = None  # None: a removed file that somebody edited stays; False: refuse
    adds: str = ""  # the address of a layer that comes, and its version
    adds_ref: str | None = None
    removes: str = ""  # the name of a layer that goes


@dataclass(frozen=True)
class Resolved:
    """A file that git left in conflict: how it was merged all the same. Without a rule a part of it is left."""

    path: str
    rule: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moved:
    """A layer over the template: the version that the project had of it, and has; empty where it has none."""

    name: str
    older: str
    newer: str


@dataclass
class Outcome:
    """What came of it."""

    older: str
    newer: str
    changes: list[Change] = field(default_factory=list)
    diff: bytes = b""
    conflicts: int = 0
    notices: list[str] = field(default_factory=list)
    resolved: list[Resolved] = field(default_factory=list)
    layers: list[Moved] = field(default_factory=list)
    staged: bool = True  # as our own merge leaves it; copier's update stages nothing and cannot be taken back

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        return {**asdict(self), "diff": self.diff.decode(errors="replace")}
