"""What there is to say of one project: a line of `mlops fleet status` and `update`."""

from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1
CURRENT, BEHIND, PROPOSED, CONFLICTS, EDITED = "current", "behind", "proposed", "conflicts", "edited"
RED, MERGED, HELD, ARCHIVED, UNTEMPLATED = "red", "merged", "held", "archived", "untemplated"
UNREACHABLE, DENIED, ERROR = "unreachable", "denied", "error"
STATES = (
    *(CURRENT, BEHIND, PROPOSED, CONFLICTS, EDITED, RED, MERGED, HELD, ARCHIVED, UNTEMPLATED),
    *(UNREACHABLE, DENIED, ERROR),
)
FAILED = (UNREACHABLE, DENIED, ERROR)
NEEDS_A_PERSON = (CONFLICTS, EDITED, RED)


@dataclass
class Line:
    """One project of a fleet. `conflicts` are {path, kind}, `files` {path, status}: known where an update is planned.

    `older` and `newer` are versions of its template; `layers` over it are {name, from, to}. `retry` says that the same
    command may succeed later.
    """

    repo: str
    path: str = "."
    ring: str = ""
    state: str = CURRENT
    older: str | None = None
    newer: str | None = None
    newest: str | None = None
    layers: list[dict[str, str]] = field(default_factory=list)
    branch: str = ""
    request: dict[str, Any] | None = None
    files: list[dict[str, str]] | None = None
    conflicts: list[dict[str, str]] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    lock: str | None = None
    releases: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    error: str | None = None
    retry: bool = False

    @property
    def failed(self) -> bool:
        """Whether nothing could be done for it."""
        return self.state in FAILED

    @property
    def needs_a_person(self) -> bool:
        """Whether the tool can do no more for it."""
        return self.state in NEEDS_A_PERSON or bool(self.drifted)

    @property
    def versions(self) -> str:
        """The version of the template and of each layer, with the one that an update brings."""
        known = [
            ("", self.older or "", self.newer or ""),
            *((one["name"], one["from"], one["to"]) for one in self.layers),
        ]
        spans = [(name, f"{old} -> {new}" if new and new != old else old) for name, old, new in known]
        return ", ".join(" ".join(filter(None, span)) for span in spans)

    @property
    def targets(self) -> list[str]:
        """The versions that an update brings: the template's, and those of layers that have another one."""
        moved = [f"layer {one['name']} {one['to']}" for one in self.layers if one["from"] != one["to"]]
        return moved if moved and self.newer == self.older else [str(self.newer), *moved]

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints of it, a line each."""
        return {
            "schema": SCHEMA,
            "repo": self.repo,
            "path": self.path,
            "ring": self.ring or None,
            "state": self.state,
            "from": self.older,
            "to": self.newer,
            "newest": self.newest,
            "layers": self.layers,
            "branch": self.branch or None,
            "request": self.request,
            **({} if self.files is None else {"files": self.files}),
            "conflicts": self.conflicts,
            "drifted": self.drifted,
            "lock": self.lock,
            "notices": self.notices,
            "error": self.error,
            "retry": self.retry,
        }
