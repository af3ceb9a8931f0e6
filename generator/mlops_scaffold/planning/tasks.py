"""A template's tasks and migrations: they run in a copy of the project, and what they make is merged from there.

They are programs of somebody else's and may do anything with the files that they find. In a copy they find neither
the person's local files nor work that is in no commit.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.safe_paths import is_below_link
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.files import present, read_source
from mlops_scaffold.vcs.git import git, git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import WHO, Scratch

BEFORE, AFTER = "before", "after"


@dataclass
class Tasks:
    """What a template would run at an update: migrations before the merge, tasks and migrations after it."""

    older: Version
    newer: Version
    answers: Mapping[str, Any]
    answers_file: str
    trust: bool
    notices: list[str] = field(default_factory=list)

    def run(self, scratch: Scratch, entries: Mapping[str, Blob], stage: str) -> dict[str, Blob]:
        """The project's files once the programs of a stage have run. Raises MlopsError where one fails."""
        from mlops_scaffold.rendering import copier_adapter

        folder = scratch.folder / "copy" / scratch.repository.folder.name
        worker = copier_adapter.tasks_of(self.older, self.newer, folder, self.answers, self.answers_file, self.trust)
        commands = copier_adapter.commands(worker, stage)
        if not commands:
            return dict(entries)
        made, left_out = in_copy(scratch, entries, folder, lambda: copier_adapter.execute(worker, commands))
        if left_out:
            self.notices.append(f"The template's tasks made what git ignores: it was left out ({', '.join(left_out)}).")
        return made


def in_copy(
    scratch: Scratch, entries: Mapping[str, Blob], folder: Path, act: Callable[[], None]
) -> tuple[dict[str, Blob], list[str]]:
    """Files after something was done with a copy of them; and the names of what git ignores of what was made."""
    shutil.rmtree(folder, ignore_errors=True)
    scratch.lay_out(entries, folder)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", "--force", cwd=folder)
    git(
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "The project, to run the template's tasks in.",
        cwd=folder,
        env=WHO,
    )
    before = {path: read_source(folder / path) for path in entries}
    act()
    # An index that knows nothing: whatever the tasks did with that of the copy, all files are looked at.
    where = {"GIT_DIR": str(scratch.repository.git_dir), "GIT_WORK_TREE": str(folder)}
    look = {**where, "GIT_INDEX_FILE": str(scratch.folder / "nothing")}
    options = ("ls-files", "--others", "--exclude-standard", "-z")
    new = {path for path in paths_in(git_bytes(*options, cwd=folder, env=look)) if not path.endswith("/")}
    ignored = paths_in(git_bytes(*options, "--ignored", "--directory", cwd=folder, env=look))
    there = (path for path in {*entries, *new} if present(folder / path) and not is_below_link(folder, path))
    after = {path: read_source(folder / path) for path in there}
    changed = {path: entry for path, entry in after.items() if before.get(path) != entry}
    made = {path: blob for path, blob in entries.items() if path in after} | scratch.store(changed)
    return made, sorted(name for name in ignored if name.rstrip(os.sep) not in entries)
