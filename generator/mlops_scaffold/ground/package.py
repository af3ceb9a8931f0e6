"""The library of a project whose answer is `kit: package`: a package of the index that the answer `kit_index` names."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import KIT, Project, is_packaged

NAME = "mlops-scaffold-kit"
EDIT = '"${EDITOR:-vi}" pyproject.toml'
# What uv says where it cannot have the package.
OTHER_BUILD = f"Hash mismatch for `{NAME}"
NO_LOGIN = re.compile("401 Unauthorized|403 Forbidden")
ABSENT = re.compile(rf"no version of {NAME}|{NAME} was not found|Failed to download `{NAME}.*\b404\b", re.DOTALL)
FAILED = (f"Failed to download `{NAME}", "Failed to fetch: ")


@dataclass(frozen=True)
class Package:
    """The library as uv.lock has it, beside the version `expected` that the template has.

    `version` and `index` are empty where there is no lock file; `surplus` are files of kit/ that git tracks.
    """

    version: str
    expected: str
    index: str
    expected_index: str
    surplus: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What is wrong; empty where nothing is."""
        if self.surplus:
            return f"the project has both {KIT} and the package {NAME}, and only the package is used"
        if self.version and self.index.rstrip("/") != self.expected_index.rstrip("/"):
            index = self.index or "another place"
            return f"uv.lock takes {NAME} from {index}, and the project's index for it is {self.expected_index}"
        if self.version not in ("", self.expected):
            return f"uv.lock has version {self.version} of {NAME}, and the template has {self.expected}"
        return ""

    @property
    def mend(self) -> str:
        """The command that fixes it; git keeps what a person wrote."""
        if self.surplus:
            return f"git rm -r {KIT}"
        line = f'{NAME} = {{ index = "library" }}' if self.version == self.expected else f"{NAME}[...]=={self.expected}"
        return f"{EDIT} # {line}; then: uv lock"

    @property
    def todo(self) -> str:
        """What a person does about it."""
        return f"fix it: {self.mend}"


def inspect(project: Project, expected: str, surplus: list[str]) -> Package:
    """The library of a project in its lock file; `surplus` are the files of kit/ that git tracks."""
    found = locked(project.folder / "uv.lock")
    source = found.get("source", {})
    index = str(project.last["kit_index"])
    return Package(str(found.get("version", "")), expected, str(source.get("registry", "")), index, surplus)


def locked(file: Path) -> Mapping[str, Any]:
    """What a lock file says of the library; nothing where there is none, or it cannot be read."""
    try:
        packages = tomllib.loads(file.read_text(encoding="utf-8")).get("package", [])
    except (OSError, ValueError):
        return {}
    return next((one for one in packages if one.get("name") == NAME), {})


def why(project: Project, said: str) -> MlopsError | None:
    """Why uv cannot have the library, by what it said; None where that is about something else."""
    if not is_packaged(project.answers):
        return None
    index = str(project.answers["kit_index"])
    if OTHER_BUILD in said:
        return MlopsError(
            f"{index} offers another build of {NAME} than the one in uv.lock.",
            "A published version never changes: ask its publisher. "
            f"If the new build is right, accept it: uv lock --upgrade-package {NAME}",
        )
    if NO_LOGIN.search(said) and (index in said or NAME in said):
        return MlopsError(
            f"{index} refuses to give {NAME} without a login.",
            "Set UV_INDEX_LIBRARY_USERNAME and UV_INDEX_LIBRARY_PASSWORD.",
        )
    if ABSENT.search(said):
        return MlopsError(
            f"{index} does not have the version of {NAME} that pyproject.toml names.",
            "Publish it there. Without it, a project has the library in kit/: --data kit=vendored",
        )
    if FAILED[0] in said or FAILED[1] + index in said:
        return MlopsError(f"{index} does not answer: {NAME} cannot be installed.", "Check the address and the network.")
    return None
