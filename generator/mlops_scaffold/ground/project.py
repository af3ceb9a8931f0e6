"""An existing project: its answers file and what it says."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.settings import read_mapping

ANSWERS_FILE = ".copier-answers.yml"
LAYER_FILE = re.compile(r"\.copier-answers\.(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)\.yml")
BASE = "base"
KIT = PurePosixPath("kit/src/mlops_kit")  # where a project has its library
INSTALLED = ("lib/python*/site-packages", "Lib/site-packages")  # where an environment has it as a package


@dataclass(frozen=True)
class Project:
    """A folder that was made from a template of copier."""

    folder: Path
    answers: dict[str, Any]
    answers_file: str = ANSWERS_FILE

    @property
    def library(self) -> str | None:
        """The package whose modules set the project up; None for a project of another template.

        It is the library, in kit/ or as a package; in a project that is older than that, its own package.
        """
        return library(self.answers, lambda path: (self.folder / path).is_file())

    @property
    def has_workspace(self) -> bool:
        """Whether it has what the set-up calls; a project of another template has not."""
        return self.library is not None

    @property
    def checks(self) -> Path | None:
        """The package or module with the checks of `doctor` that the project carries, if it does."""
        if is_packaged(self.answers):
            return self.installed / "workspace/doctor"
        own = self.folder / "src" / str(self.answers.get("package_name")) / "doctor.py"
        return next((path for path in (self.folder / KIT / "workspace/doctor", own) if path.exists()), None)

    @property
    def installed(self) -> Path:
        """Where the environment has the library as a package, if there is one."""
        place = self.folder / ".venv"
        found = (path for pattern in INSTALLED for path in place.glob(f"{pattern}/{KIT.name}"))
        return next(found, place / "Lib/site-packages" / KIT.name)

    @property
    def package(self) -> str:
        """The name of its Python package. Raises MlopsError for a project of another template."""
        if "package_name" not in self.answers:
            raise MlopsError(f"{self.folder} names no package_name.", "Set-up is for projects of the mlops template.")
        return str(self.answers["package_name"])

    def command(self, name: str, *more: str) -> str:
        """A command of mlops for this project, as it is typed: one whose answers are kept elsewhere says where."""
        named = [] if self.answers_file == ANSWERS_FILE else ["--answers-file", self.answers_file]
        return shlex.join(["mlops", name, *more, *named])

    @property
    def layer(self) -> str:
        """The name of its template among those of the folder: `base`, or NAME of .copier-answers.NAME.yml."""
        found = LAYER_FILE.fullmatch(self.answers_file)
        return found["name"] if found else BASE

    @property
    def python(self) -> Path:
        """The Python of the project's own environment."""
        return self.folder / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def source(self) -> str:
        """The template's address, as it is recorded."""
        return self._recorded("_src_path")

    @property
    def version(self) -> str:
        """The template's version, as it is recorded."""
        return self._recorded("_commit")

    @property
    def commit(self) -> str:
        """The template's commit; empty for a template that does not record it."""
        return str(self.answers.get("_commit_sha") or "")

    @property
    def last(self) -> dict[str, Any]:
        """The answers that were given: what copier reads of the file."""
        return {key: value for key, value in self.answers.items() if not key.startswith("_")}

    def _recorded(self, key: str) -> str:
        if not isinstance(self.answers.get(key), str):
            raise MlopsError(
                f"{self.answers_file} has no {key}: the template's version is not known.",
                "Take the file back from git's history.",
            )
        return str(self.answers[key])


def is_packaged(answers: Mapping[str, Any]) -> bool:
    """Whether a project has its library as a package of an index."""
    return answers.get("kit") == "package" and "kit_index" in answers


def library(answers: Mapping[str, Any], has: Callable[[PurePosixPath], bool]) -> str | None:
    """The package with the set-up's modules in a project where `has` says which files there are; None for no such."""
    package = str(answers.get("package_name"))
    if is_packaged(answers) or has(KIT / "workspace/setup.py"):
        return KIT.name
    return package if has(PurePosixPath("src", package, "workspace.py")) else None


def check_answers_file(name: str) -> None:
    """Raise where --answers-file names no file within a project."""
    reason = fault(name)
    if reason:
        raise MlopsError(f"--answers-file {name!r} {reason}.", "Name a path within the project.")


def open_project(folder: Path, answers_file: str | None = None) -> Project:
    """The project in a folder. Raises MlopsError where it is none."""
    name = answers_file or ANSWERS_FILE
    check_answers_file(name)
    path = folder / name
    if not path.is_file():
        raise MlopsError(
            f"{folder.absolute()} is not a project made by mlops or copier: it has no {name}.",
            "Go to one, or make one: mlops new DEST",
        )
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MlopsError(f"{path} is a symlink that leads out of the project.", "Put the answers in its place.")
    return Project(folder.resolve(), read_mapping(path), name)


def open_layers(project: Project) -> list[Project]:
    """The layers over a project: the templates of its folder with an answers file of their own, by name."""
    names = sorted(path.name for path in project.folder.glob(".copier-answers.*.yml"))
    return [open_project(project.folder, name) for name in names if LAYER_FILE.fullmatch(name)]


def find_project(path: Path, answers_file: str | None = None) -> Project:
    """The project that a path is in: the nearest folder above it with answers. Raises MlopsError."""
    start = Path.cwd() / path
    for folder in (start, *start.parents):
        if (folder / (answers_file or ANSWERS_FILE)).is_file():
            return open_project(folder, answers_file)
    return open_project(Path(), answers_file)
