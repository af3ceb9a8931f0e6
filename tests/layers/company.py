"""A base template, a company's layer over it, and a project of both: a few files each, all in git."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.report import Report
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Outcome, Request

from tests.conftest import git
from tests.update.world import ANSWERS, Files, commit, forget_fetches, new_project, write

LAYER_FILE = ".copier-answers.security.yml"
BASE: Files = {
    "copier.yml": "_subdirectory: project\nci: github\n",
    "project/{{ _copier_conf.answers_file }}.jinja": ANSWERS["{{ _copier_conf.answers_file }}.jinja"],
    "project/README.md": "# Demo\n",
    "project/main.py": "print(1)\n",
}
LAYER: Files = {
    "copier.yml": f"_subdirectory: project\n_answers_file: {LAYER_FILE}\n_mlops_after: [base]\n"
    "_mlops_managed: [/.github/, /.gitlab/]\n"
    "ci: github\nscanner: scan\n",
    "project/{{ _copier_conf.answers_file }}.jinja": ANSWERS["{{ _copier_conf.answers_file }}.jinja"],
    "project/{% if ci == 'github' %}.github{% endif %}/workflows/security.yml.jinja": "run: {{ scanner }} .\n",
    "project/{% if ci == 'gitlab' %}.gitlab{% endif %}/ci/security.yml.jinja": "script: {{ scanner }} .\n",
    "project/REUSE.toml": "version = 1\n",
}


@dataclass(frozen=True)
class Company:
    """The repositories of two templates, and a project."""

    folder: Path

    @property
    def project(self) -> Path:
        """The project, of the base and the layer."""
        return self.folder / "project"

    def release(self, name: str, tag: str, files: Files) -> Path:
        """A version of a template."""
        return released(self.folder / name, tag, files)

    def edit(self, files: Files) -> None:
        """The user's work, committed."""
        write(self.project, files)
        commit(self.project, "work")

    def update(self, **more: Any) -> Outcome:
        """`mlops update`."""
        forget_fetches()
        return evolve(Request(self.project, **{"defaults": True, **more}), Report(quiet=True))

    def change(self, **answers: Any) -> Outcome:
        """What `mlops add` does: other answers of the base, at the same versions."""
        forget_fetches()
        request = Request(self.project, defaults=True, same_version=True)
        return evolve(request, Report(quiet=True), lambda *_: answers)

    def text(self, name: str) -> str:
        """A file of the project."""
        return (self.project / name).read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        """Whether the project has a file."""
        return (self.project / name).exists()


def released(template: Path, tag: str, files: Files) -> Path:
    """A version of a template; the first one makes its repository."""
    if not template.exists():
        template.mkdir(parents=True)
        git("init", "--quiet", "--initial-branch=main", cwd=template)
    write(template, files)
    commit(template, tag, ignored=True)
    git("tag", tag, cwd=template)
    return template


def make_company(folder: Path, layer: Files = LAYER, base: Files = BASE) -> Company:
    """Both templates at v1.0.0, and a project of the base with the layer added, committed."""
    made = Company(folder)
    new_project(made.release("base", "v1.0.0", base), made.project)
    made.update(same_version=True, adds=str(made.release("layer", "v1.0.0", layer)))
    commit(made.project, "layer")
    return made
