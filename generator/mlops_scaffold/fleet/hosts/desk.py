"""What both hosts have in common: the request of a branch, and what there is to know of a repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

OPEN, MERGED, CLOSED = "open", "merged", "closed"
PASSED, FAILED, PENDING = "passed", "failed", "pending"


@dataclass(frozen=True)
class Request:
    """A pull or merge request. `checks` are passed, failed or pending; None where there are none."""

    number: int
    url: str
    state: str
    title: str
    body: str = ""
    head: str = ""  # the commit of the branch when it was last looked at, or merged
    draft: bool = False
    checks: str | None = None
    approved: bool = False

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        return {key: value for key, value in vars(self).items() if key not in ("body", "title", "head")}


@dataclass(frozen=True)
class Facts:
    """A repository at its host: its name there now, its default branch and how the checks of that are; the request."""

    name: str
    default: str
    archived: bool = False
    checks: str | None = None
    request: Request | None = None


@runtime_checkable
class Desk(Protocol):
    """A host. Each method raises Refused: denied, or out of reach."""

    def facts(self, name: str, branch: str) -> Facts:
        """What there is to know of a repository, with the newest request of a branch."""

    def list(self, group: str) -> Sequence[tuple[str, bool]]:
        """The repositories of a group, each with whether it is archived."""

    def has(self, name: str, path: str) -> bool:
        """Whether a repository's default branch has a file."""

    def open(self, name: str, branch: str, base: str, title: str, body: str, draft: bool) -> Request:
        """Open a request."""

    def edit(self, name: str, request: Request, title: str, body: str, draft: bool) -> None:
        """Give a request another title and body."""

    def close(self, name: str, request: Request, title: str) -> None:
        """Close a request, under a title that says why."""

    def access(self, name: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """Settings and environment by which git reaches a repository: the token is in neither address nor command."""

    def pause(self) -> None:
        """Wait until something may be written again: no more often than `per_minute` says."""


def git_access(host: str, user: str, token: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """A credential helper for one host, which reads the token from its environment."""
    helper = f'!f() {{ test "$1" = get && echo username={user} && echo "password=$MLOPS_FLEET_TOKEN"; }}; f'
    name = f"credential.https://{host}.helper"
    return (f"{name}=", f"{name}={helper}"), {"MLOPS_FLEET_TOKEN": token}
