"""What git and DVC say of this clone, as several checks ask for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit.ground import git, project, settle, unmerged

if TYPE_CHECKING:
    from dvc.repo import Repo


def is_repository() -> bool:
    """Whether the project is in a git repository."""
    return git("rev-parse", "--git-dir").returncode == 0


def take_back(path: str) -> str:
    """The command that takes a file back as it was committed; what is there now is kept, in the stash or in history."""
    if path in unmerged():
        return settle([path])
    if git("status", "--porcelain", "--", path).stdout:
        return f"git stash push -- {path}"
    before = git("log", "--skip=1", "--max-count=1", "--format=%h", "--", path).stdout.strip()
    return f"git checkout {before or 'HEAD'} -- {path}"


@cache
def repo() -> Repo:
    """The project as DVC sees it."""
    from dvc.repo import Repo

    return Repo(str(project().root))


def in_cache(md5: str) -> bool:
    """Whether DVC's cache on this machine has an object."""
    return bool(md5) and repo().cache.local.exists(md5)


def is_tracked() -> bool:
    """Whether DVC keeps the raw data."""
    return Path(project().root, "data/raw.dvc").exists()
