"""What a planned update is made of: the project afterwards, and what becomes of each file."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_scaffold.ground.project import Project
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.repository import Blob, Repository

if TYPE_CHECKING:
    from mlops_scaffold.merging.resolve import Resolution

UPDATED, ADDED, REMOVED, KEPT, CONFLICT = "updated", "added", "removed", "kept", "conflict"
STAYS = "changed by you; the template removed it"


@dataclass(frozen=True)
class Change:
    """What becomes of one file."""

    path: str
    status: str
    note: str = ""


@dataclass
class Plan:
    """An update that can be made: `result` is the project afterwards.

    `head` is the commit that it was planned on, `layers` are what the project has over its template. `local` are the
    new files that git ignores, `there` those that are on disk already, `in_the_way` what is there instead.
    """

    project: Project
    repository: Repository
    head: str
    older: Version
    newer: Version
    before: dict[str, Blob]
    result: dict[str, Blob]
    conflicts: dict[str, dict[int, Blob]] = field(default_factory=dict)
    layers: tuple[Project, ...] = ()
    local: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    in_the_way: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    resolved: "dict[str, Resolution]" = field(default_factory=dict)

    @property
    def layer_answers(self) -> dict[str, dict[str, Any]]:
        """The answers that each layer was rendered from, by its answers file."""
        return {one.answers_file: one.answers for one in self.layers}

    @property
    def touched(self) -> dict[str, Blob | None]:
        """Every path that is written, or (None) removed."""
        paths = self.before.keys() | self.result.keys()
        return {path: self.result.get(path) for path in sorted(paths) if self.before.get(path) != self.result.get(path)}
