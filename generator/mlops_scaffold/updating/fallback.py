"""copier's own update, for what only copier can do."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.planning.planned import CONFLICT, UPDATED, Change
from mlops_scaffold.rendering import settings
from mlops_scaffold.sources.source import Version
from mlops_scaffold.updating.request import Outcome, Request
from mlops_scaffold.vcs.git import checked_ref, git_bytes, is_attended, network_limit, paths_in, quiet
from mlops_scaffold.vcs.git import settings as git_settings
from mlops_scaffold.vcs.giturl import is_path, parse

# -P: a module of the project, or of any folder that the command is typed in, is not taken for one of copier's.
COPIER = (sys.executable, "-P", "-m", "mlops_scaffold.rendering.guarded_copier")


def update(
    request: Request,
    project: Project,
    older: Version,
    newer: Version,
    data: Mapping[str, Any],
) -> Outcome:
    """Run `copier update`, held to our rules for addresses and paths. Raises MlopsError with copier's own last line."""
    for version in (older, newer):
        check_submodules(version.folder)
    command = [*COPIER, "update", "--quiet", f"--vcs-ref={checked_ref(newer.ref)}"]
    command += [f"--answers-file={project.answers_file}"]
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
    env |= {"GIT_TERMINAL_PROMPT": "0", **quiet(env)}
    # Tasks may take long, and so may a person who answers.
    has_tasks = not {"tasks", "migrations"}.isdisjoint(settings(newer))
    unbounded = (request.trust and has_tasks) or (is_attended() and not request.defaults)
    limit = None if unbounded else network_limit()
    alone = limit is not None and not is_attended()
    try:
        done = process.run([*command, str(project.folder)], env=env, alone=alone, limit=limit)
    except subprocess.TimeoutExpired:
        step = "See what it did: git status. To give it more seconds: MLOPS_GIT_TIMEOUT."
        raise MlopsError(f"copier's update did not end within {limit:g} seconds.", step) from None
    if done.code:
        lines = done.said.splitlines() or ["no reason given"]
        raise MlopsError(f"copier: {lines[-1].strip()}", "See what it did: git status")
    status = paths_in(git_bytes("status", "--porcelain=v1", "-z", "--no-renames", "--", ".", cwd=project.folder))
    changes = [Change(line[3:], CONFLICT if "U" in line[:2] or line[:2] == "AA" else UPDATED) for line in status]
    conflicts = sum(change.status == CONFLICT for change in changes)
    return Outcome(older.name, newer.name, changes, conflicts=conflicts, staged=False)


def check_submodules(template: Path) -> None:
    """Raise where a template's submodule is at no address of another machine: copier would have git fetch it."""
    if not (template / ".gitmodules").is_file():
        return
    for _, url in git_settings(r"^submodule\..*\.url$", template, "--file", ".gitmodules"):
        if not url.startswith(("./", "../")) and (is_path(url) or parse(url).is_local):
            raise MlopsError(f"The template's submodule {url!r} is on this machine.", "Do not use this template.")
