"""copier's own update, for what only copier can do."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from mlops_scaffold import process
from mlops_scaffold.errors import MlopsError
from mlops_scaffold.git import git_bytes, paths_in
from mlops_scaffold.project import Project
from mlops_scaffold.request import Outcome, Request
from mlops_scaffold.source import Version
from mlops_scaffold.update import CONFLICT, UPDATED, Change


def update(
    request: Request,
    project: Project,
    older: Version,
    newer: Version,
    data: Mapping[str, Any],
) -> Outcome:
    """Run `copier update`. Raises MlopsError with copier's own last line."""
    command = [sys.executable, "-m", "copier", "update", "--quiet", "--vcs-ref", newer.ref]
    command += ["--answers-file", project.answers_file]
    flags = {
        "--defaults": request.defaults,
        "--trust": request.trust,
        "--skip-tasks": request.skip_tasks,
        "--pretend": request.dry_run,
        "--skip-answered": not request.defaults,
    }
    command += [flag for flag, wanted in flags.items() if wanted]
    command += [f"--data={key}={value}" for key, value in data.items()]
    env = {key: value for key, value in os.environ.items() if key not in process.GIT_LOCATIONS}
    done = process.run([*command, str(project.folder)], env=env)
    if done.code:
        lines = done.said.splitlines() or ["no reason given"]
        raise MlopsError(f"copier: {lines[-1].strip()}", "See what it did: git status")
    status = paths_in(git_bytes("status", "--porcelain=v1", "-z", "--no-renames", "--", ".", cwd=project.folder))
    changes = [Change(line[3:], CONFLICT if "U" in line[:2] or line[:2] == "AA" else UPDATED) for line in status]
    conflicts = sum(change.fate == CONFLICT for change in changes)
    return Outcome(older.name, newer.name, changes, conflicts=conflicts, staged=False)
