"""An existing project: its answers file and what they say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.settings import read_mapping

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Project:
    """A folder that was made from a template."""

    folder: Path
    answers: dict[str, Any]

    @property
    def package(self) -> str:
        """The name of its Python package."""
        return str(self.answers["package_name"])


def open_project(folder: Path) -> Project:
    """The project in a folder. Raises MlopsError where it is none of ours."""
    path = folder / ANSWERS_FILE
    if not path.is_file():
        raise MlopsError(
            f"{folder.absolute()} is not a project made by mlops.", "Go to one, or make one: mlops new DEST"
        )
    answers = read_mapping(path)
    if "package_name" not in answers:
        raise MlopsError(f"{path} names no package_name.", "Set-up is for projects of the mlops template.")
    return Project(folder.absolute(), answers)
