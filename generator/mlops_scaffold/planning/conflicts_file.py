"""The record of conflicts on a branch that a program proposes: the project's side of each file is in the commit.

It is a record as `mlops update` keeps it (vcs.conflicts), so `poe check` and `mlops check` read it, with all conflicts
and with what `mlops update --resume` needs to make conflicts of git's own of them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.settings import parse_mapping
from mlops_scaffold.vcs.conflicts import RECORD
from mlops_scaffold.vcs.repository import Blob

FILE = RECORD
SIDES = {
    1: "base",
    2: "ours",
    3: "theirs",
}  # by git's number of the stage; ours is the project's, theirs the template's
HEAD = """\
# Conflicts between this project and its template, from {older} to {newer}. Each file below has the project's content.
# Settle them: mlops update --resume, then git mergetool or an editor, and git commit. This file goes with them.
"""


@dataclass(frozen=True)
class Unsettled:
    """The names of each conflict's objects, by path and stage; the answers that `base` was rendered from."""

    conflicts: Mapping[str, Mapping[int, str]]
    answers: dict[str, Any]


def text_of(
    versions: tuple[str, str],
    conflicts: Mapping[str, Mapping[int, Blob]],
    kinds: Mapping[str, str],
    answers: Mapping[str, Any],
) -> bytes:
    """The file."""
    import yaml

    rows = [
        {
            "path": path,
            "kind": kinds[path],
            **{SIDES[number]: blob.oid for number, blob in sorted(stages.items())},
        }
        for path, stages in sorted(conflicts.items())
    ]
    content = {"from": versions[0], "to": versions[1], "conflicts": rows, "answers": dict(answers)}
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return (HEAD.format(older=versions[0], newer=versions[1]) + body).encode(errors="surrogateescape")


def read(text: bytes) -> Unsettled:
    """What the file says. Raises MlopsError where somebody has changed it into something else."""
    raw = parse_mapping(text, Path(FILE))
    try:
        rows, answers = raw["conflicts"], raw["answers"]
        found = {
            row["path"]: {number: _oid(row[side]) for number, side in SIDES.items() if side in row} for row in rows
        }
        if not isinstance(answers, dict) or any(map(fault, found)):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        step = f"Take it back from git's history: git checkout HEAD -- {FILE}"
        raise MlopsError(f"{FILE} is not as an update has written it.", step) from None
    return Unsettled({os.fsdecode(path): stages for path, stages in found.items()}, answers)


def _oid(text: str) -> str:
    if not text or not set(text) <= set("0123456789abcdef"):
        raise ValueError
    return text


def kinds_in(text: bytes) -> list[dict[str, str]]:
    """Each conflict with its kind. Raises MlopsError as `read` does."""
    read(text)
    return [{"path": row["path"], "kind": str(row.get("kind"))} for row in parse_mapping(text, Path(FILE))["conflicts"]]
