"""Programs on PATH that are stand-ins, and a project whose champion they bring out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlops_kit.ground import Project, using
from mlops_kit.models import Champion, folder_md5, git_commit, write_champion

from tests.conftest import git
from tests.kit.projects import copied, write

# A program that notes what it is asked and answers by a table: of the first words that it is called with.
STAND_IN = """\
#!{python} -IS
import json, pathlib, sys
here = pathlib.Path(__file__)
with here.with_suffix(".asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
words = " ".join(sys.argv[1:])
for begins, (code, text) in json.loads(here.with_suffix(".answers").read_text()).items():
    if words.startswith(begins):
        print(text, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
"""


class Program:
    """A stand-in on PATH."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / name
        self.file.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
        self.file.chmod(0o755)
        self.answers({})

    def answers(self, table: dict[str, tuple[int, str]]) -> None:
        """By the words that a call begins with: the exit code and what is printed."""
        self.file.with_suffix(".answers").write_text(json.dumps(table), encoding="utf-8")

    def asked(self) -> list[list[str]]:
        """The arguments of each call so far."""
        lines = self.file.with_suffix(".asked")
        return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] if lines.exists() else []


@contextmanager
def champion_of(project: Project, model: Path, folder: Path) -> Iterator[Project]:
    """The project in a commit of its own, with that model as its champion; it is the one that is worked for."""
    own = copied(project, folder, "contract.yaml", "params.yaml", "pyproject.toml", "src")
    copied(replace(own, root=model), own.root / "model")
    write(own.root / "Dockerfile", "FROM scratch\n")
    write(own.root / ".dockerignore", "*\n!src\n!contract.yaml\n")
    git("init", "--quiet", cwd=own.root)
    git("add", "Dockerfile", ".dockerignore", "src", "contract.yaml", cwd=own.root)
    git("commit", "--quiet", "--message", "project", cwd=own.root)
    with using(own):
        write_champion(Champion(3, folder_md5(own.root / "model"), "", git_commit(), "", {}))
        yield own
