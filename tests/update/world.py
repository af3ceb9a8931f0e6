"""Small templates with a history, projects made from them, and updates run in this process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.report import Report
from mlops_scaffold.sources import source
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Outcome, Request

from tests.conftest import git

ANSWERS = {"{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml -}}"}
Files = Mapping[str, "str | bytes | None"]


def forget_fetches() -> None:
    """A new invocation fetches anew."""
    source._refreshed.clear()
    source._known.clear()


def write(folder: Path, files: Files) -> None:
    """Write files; None removes one, `-> target` makes a symlink, a name that ends in * an executable."""
    for name, content in files.items():
        path = folder / name.removesuffix("*")
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        if content is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        if raw.startswith(b"-> "):
            path.symlink_to(raw[3:].decode())
            continue
        path.write_bytes(raw)
        if name.endswith("*"):
            path.chmod(0o755)


def commit(folder: Path, message: str = "commit", ignored: bool = False) -> None:
    """All that is there; a template has files that its own .gitignore, which is one of them, ignores."""
    git("add", "--all", *(["--force"] if ignored else []), cwd=folder)
    git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message, cwd=folder)


@dataclass
class World:
    """A template with two versions, and a project of the first one."""

    folder: Path
    project: Path

    @property
    def template(self) -> Path:
        """Its repository."""
        return self.folder / "template"

    def edit(self, files: Files) -> None:
        """The user's work, committed."""
        write(self.project, files)
        commit(self.project, "work")

    def update(self, folder: Path | None = None, **more: Any) -> Outcome:
        """`mlops update`."""
        forget_fetches()
        return evolve(Request(folder or self.project, **{"defaults": True, **more}), Report(quiet=True))

    def copier(self) -> None:
        """`copier update`."""
        command = [sys.executable, "-m", "copier", "update", "--quiet", "--defaults", "--trust", str(self.project)]
        subprocess.run(command, check=False, capture_output=True)

    def text(self, name: str) -> str:
        """A file of the project."""
        return (self.project / name).read_text(encoding="utf-8")

    def snapshot(self) -> dict[str, tuple[bytes, bool, bool]]:
        """Every file of the project: bytes, executable, symlink."""
        return snapshot(self.project)

    def status(self) -> str:
        """What git says."""
        return git("status", "--porcelain", "--untracked-files=all", cwd=self.project)

    def holds(self, token: str) -> bool:
        """Whether a text is in any file of the project, or in what a merge tool sees of a conflict."""
        wanted = token.encode()
        if any(wanted in content for content, _, _ in self.snapshot().values()):
            return True
        return any(wanted in blob for blob in self.stages().values())

    def stages(self) -> dict[tuple[str, int], bytes]:
        """The stages of all conflicts."""
        listing = subprocess.run(
            ["git", "ls-files", "--unmerged", "-z"], cwd=self.project, check=True, capture_output=True
        ).stdout
        found = {}
        for line in filter(None, listing.split(b"\0")):
            head, path = line.split(b"\t", 1)
            _, oid, stage = head.split()
            blob = subprocess.run(
                ["git", "cat-file", "blob", oid], cwd=self.project, check=True, capture_output=True
            ).stdout
            found[os.fsdecode(path), int(stage)] = blob
        return found


def snapshot(folder: Path) -> dict[str, tuple[bytes, bool, bool]]:
    """Every file of a folder but git's: bytes, executable, symlink."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name == ".git" or name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = (os.fsencode(path.readlink()), False, True)
        elif path.is_file():
            found[name] = (path.read_bytes(), os.access(path, os.X_OK), False)
    return found


def make_world(folder: Path, before: Files, after: Files, questions: str = "name: demo\n", late: str = "") -> World:
    """A template whose first version is `before`, its second one that with `after`; a project of the first."""
    template = folder / "template"
    template.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=main", cwd=template)
    write(template, {"copier.yml": questions, **ANSWERS, **before})
    commit(template, "one", ignored=True)
    git("tag", "v1.0.0", cwd=template)
    project = new_project(template, folder / "project")
    write(template, {**({"copier.yml": late} if late else {}), **after})
    commit(template, "two", ignored=True)
    git("tag", "v2.0.0", cwd=template)
    return World(folder, project)


def new_project(template: Path, project: Path, data: Iterable[str] = ()) -> Path:
    """A project of the template's newest version, committed in a repository of its own."""
    from mlops_scaffold.creating.new import Request as NewRequest
    from mlops_scaffold.creating.new import parse_data, plan

    forget_fetches()
    request = NewRequest(project, str(template), defaults=True, data=parse_data(list(data)), set_up=False)
    plan(request, Report(quiet=True)).tree.write_new(project)
    git("init", "--quiet", "--initial-branch=main", cwd=project)
    commit(project, "project")
    return project
