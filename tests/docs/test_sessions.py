"""The sessions that the documentation shows are real: each command is run, and what it prints is what the page says.

After a change of what is printed, `MLOPS_WRITE_SESSIONS=1 pytest tests/docs/test_sessions.py` writes the pages anew.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlops_scaffold.creating.new import Request, plan
from mlops_scaffold.ground.report import Report

from tests.conftest import ROOT, git
from tests.update.world import commit, forget_fetches

BLOCK = re.compile(r"(?ms)^```console\n(.*?)^```$")


@dataclass(frozen=True)
class Place:
    """A folder with a project `churn` of version 1.0.0, and its template, which is at 1.1.0."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "churn"

    def run(self, command: str) -> str:
        """What a command prints, in the project."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "GIT_PAGER": "cat"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.project, env=env, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return steady(done.stdout.replace(str(self.folder), "~"))


def steady(said: str) -> str:
    """Without the hashes, which are others with each run."""
    said = re.sub(r"\b[0-9a-f]{40}\b", "0123456…", said)
    return re.sub(r"(?m)^index [0-9a-f.,]+", "index 0123456..789abcd", said)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of its own for each test."""
    return make_place(tmp_path)


def make_place(folder: Path) -> Place:
    """Version 1.1.0 changes the width of lines, adds a file, and says so in its changelog."""
    template = folder / "template"
    template.mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "template", template / "template")
    git("init", "--quiet", "--initial-branch=main", cwd=template)
    commit(template, "one")
    git("tag", "v1.0.0", cwd=template)
    forget_fetches()
    request = Request(folder / "churn", str(template), defaults=True, set_up=False)
    plan(request, Report(quiet=True)).tree.write_new(folder / "churn")
    project = template / "template/project/pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 120", "line-length = 100"))
    (template / "template/project/.editorconfig").write_text("root = true\n\n[*]\nmax_line_length = 100\n")
    (template / "CHANGELOG.md").write_text("# Changelog\n\n## 1.1.0\n\n- Lines are at most 100 characters long.\n")
    commit(template, "two")
    git("tag", "v1.1.0", cwd=template)
    place = Place(folder)
    git("init", "--quiet", "--initial-branch=main", cwd=place.project)
    commit(place.project, "first")
    ours = place.project / "pyproject.toml"
    ours.write_text(ours.read_text().replace("line-length = 120", "line-length = 88"))
    readme = place.project / "README.md"
    readme.write_text(readme.read_text() + "\nAsk the churn team.\n")
    commit(place.project, "our width")
    return place


def commands(session: str) -> Iterator[tuple[str, str]]:
    """Each command of a session, with what it prints."""
    for part in re.split(r"(?m)^\$ ", session)[1:]:
        command, _, said = part.partition("\n")
        yield command, said


@pytest.mark.parametrize("page", ["update.md", "platform-teams.md"])
def test_a_session_is_what_happens(page: str, place: Place) -> None:
    path = ROOT / "docs" / page
    text = path.read_text(encoding="utf-8")
    sessions = BLOCK.findall(text)
    assert sessions
    for session in sessions:
        happened = "".join(f"$ {command}\n{place.run(command)}" for command, _ in commands(session))
        text = text.replace(session, happened)
    if os.environ.get("MLOPS_WRITE_SESSIONS"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_an_update_can_be_proposed_by_ci(place: Place) -> None:
    """The commands that docs/platform-teams.md gives to a CI, as it writes them."""
    text = (ROOT / "docs/platform-teams.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"(?ms)^```sh\n(.*?)^```$", text)
    place.run(f"set -e\n{script}")
    assert git("log", "-1", "--format=%s", "template-update", cwd=place.project) == "Take the template's changes in"
    assert git("status", "--porcelain", cwd=place.project) == ""
