"""Repositories that know nothing of a template, and what is in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_scaffold.adopting.adopt import adopt
from mlops_scaffold.adopting.request import Outcome, Request
from mlops_scaffold.ground.report import Report

from tests.conftest import git
from tests.update.world import Files, commit, forget_fetches, snapshot, write

OLD: Files = {
    ".gitignore": "data/\n*.pkl\n!keep.pkl\n",
    ".github/workflows/ci.yml": "name: mine\non: push\njobs: {}\n",
    "README.md": "# Churn\r\nWith the line ends of Windows.\r\n",
    "requirements.txt": "pandas==2.2.0\nscikit-learn==1.5.0\n",
    "run.sh*": "#!/bin/sh\n",
    "latest": "-> train.py",
    "train.py": "print('trained')\n",
    "table.csv": "x,y\n1,2\n",
    "logo.png": bytes(range(256)),
    "notebooks/.gitignore": "private/\n",
    "notebooks/first.ipynb": "{}\n",
}
IGNORED: Files = {"data/raw.csv": "1\n", "model.pkl": b"\x80", "notebooks/private/notes.txt": "mine\n"}


def make_repository(folder: Path, files: Files = OLD, ignored: Files = IGNORED) -> Path:
    """A repository on its default branch, with files that git ignores."""
    folder.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    write(folder, files)
    commit(folder, "old")
    write(folder, ignored)
    return folder


def adopted(folder: Path, template: Path, **more: Any) -> Outcome:
    """`mlops adopt --defaults`."""
    forget_fetches()
    return adopt(Request(folder, **{"template": str(template), "defaults": True, **more}), Report(quiet=True))


def tracked(folder: Path, commit: str = "HEAD") -> dict[str, str]:
    """Every file of a commit, with its mode and object."""
    lines = git("ls-tree", "-r", "--full-tree", commit, cwd=folder).splitlines()
    return {path: entry for entry, path in (line.split("\t") for line in lines)}


def ignored(folder: Path) -> set[str]:
    """Every file here that git ignores."""
    return set(git("ls-files", "--others", "--ignored", "--exclude-standard", cwd=folder).splitlines())


def everything(folder: Path) -> dict[str, bytes]:
    """Every file, git's own too, but for the lock files that mark who works on it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {str(path): path.read_bytes() for path in files if not path.name.endswith(".lock")}


def require_all_there(before: Mapping[str, tuple[bytes, bool, bool]], folder: Path) -> None:
    """Whatever was on the disk is there, with its bytes; an ignore file has its lines first."""
    after = snapshot(folder)
    for path, (content, executable, link) in before.items():
        if path == ".gitignore":
            assert after[path][0].startswith(content)
        else:
            assert after[path] == (content, executable, link), path
