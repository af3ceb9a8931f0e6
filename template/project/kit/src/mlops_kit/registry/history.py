"""Every move of a version, recorded on the version that it moved: who, when, why, and on which commit."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.ground import output_of, project
from mlops_kit.ground.variables import first_set

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MOVED = "moved."  # tags with this prefix are moves, by their time


@dataclass(frozen=True)
class Move:
    """One step in a version's life. `what` is register, promote, replaced, rollback or retire."""

    when: str
    version: str
    what: str
    who: str
    why: str
    commit: str


def record(client: MlflowClient, version: str, what: str, why: str) -> None:
    """Write a move down, on the version that it moved."""
    now = datetime.now(UTC)
    move = Move(now.isoformat(), str(version), what, who(), why, models.git_commit())
    client.set_model_version_tag(project().name, version, f"{MOVED}{now:%Y%m%dT%H%M%S.%f}", json.dumps(asdict(move)))


def record_once(client: MlflowClient, version: str, what: str, why: str) -> None:
    """The same, but for a move that is its last already: then a command that had stopped is run again."""
    written = moves_of(client.get_model_version(project().name, version))
    if not written or written[-1].what != what:
        record(client, version, what, why)


def who() -> str:
    """Who does it: whom the CI names, else git, else the machine."""
    named = first_set("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CIRCLE_USERNAME", "BUILD_USER_ID")
    return named or output_of("git", "config", "user.name") or getpass.getuser()


def moves() -> list[Move]:
    """Every move of every version, the oldest first."""
    versions = models.client().search_model_versions(f"name='{project().name}'")
    return sorted((move for version in versions for move in moves_of(version)), key=lambda move: move.when)


def moves_of(version: ModelVersion) -> list[Move]:
    """The moves of one version, the oldest first."""
    return [Move(**json.loads(text)) for key, text in sorted(version.tags.items()) if key.startswith(MOVED)]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two moves at once on this machine go one after the other, so that aliases and champion.yaml agree."""
    from filelock import FileLock

    with FileLock(models.home() / ".registry.lock"):
        yield
