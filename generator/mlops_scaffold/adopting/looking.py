"""What is found in a repository: by the names of its files, and by what its requirements and ignore files say.

Nothing of it is run, imported or unpickled.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_scaffold.adopting.requirements import FILE, Legacy, read_requirements
from mlops_scaffold.ground.errors import some
from mlops_scaffold.vcs.repository import Entries
from mlops_scaffold.vcs.scratch import Scratch

CI = {
    "github": re.compile(r"\.github/workflows/[^/]+\.ya?ml"),
    "gitlab": re.compile(r"\.gitlab-ci\.yml"),
    "circleci": re.compile(r"\.circleci/config\.yml"),
    "jenkins": re.compile(r"Jenkinsfile"),
}
# What has its own way of naming packages, or of being made, and keeps it.
STAYS = {
    r"environment\.ya?ml|conda\.ya?ml": "conda's environment is not taken over: it stays as it is",
    r"Pipfile(\.lock)?|poetry\.lock": "its packages are not taken over: it stays, and works as it did",
    r"requirements([-_/].+)\.txt|(.+[-_/])requirements\.txt": f"not taken over: only {FILE}, and what it includes, is",
    r"\.cruft\.json": "cruft's record of its template stays, and cruft keeps working",
    r".+\.(pkl|pickle|joblib)": "not opened: a pickle runs code",
}
DEFINES_PACKAGE = re.compile(rb"^\[(metadata|options)\]", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A repository, looked at. `ci` are the CI systems, each with its files; `package` is the file that defines one."""

    files: Entries
    ci: Mapping[str, list[str]] = field(default_factory=dict)
    legacy: Legacy = field(default_factory=Legacy)
    package: str = ""
    notices: list[str] = field(default_factory=list)


def look(place: Scratch, files: Entries) -> Found:
    """Look at the files of a commit."""

    def read(path: str) -> bytes | None:
        blob = files.get(path)
        return place.read(blob.oid) if blob and blob.mode.startswith("100") else None

    ci = {name: [path for path in files if pattern.fullmatch(path)] for name, pattern in CI.items()}
    defines = "setup.py" if "setup.py" in files else ""
    if not defines and DEFINES_PACKAGE.search(read("setup.cfg") or b""):
        defines = "setup.cfg"
    return Found(
        files, {name: paths for name, paths in ci.items() if paths}, read_requirements(read), defines, remarks(files)
    )


def remarks(files: Iterable[str]) -> list[str]:
    """What stays as it is, and why."""
    found = []
    for pattern, text in STAYS.items():
        paths = [path for path in files if re.fullmatch(pattern, path)]
        if paths:
            found.append(f"{some(paths)}: {text}")
    return found


def answers(found: Found, level: str, folder: str, asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers that are sure, and those that are proposed to a person."""
    sure: dict[str, Any] = {"level": level}
    proposed: dict[str, Any] = {"project_name": project_name(folder, asked)}
    if len(found.ci) == 1:
        sure["ci"] = next(iter(found.ci))
    elif found.ci:
        proposed["ci"] = next(iter(found.ci))
    if found.legacy.index and level != "ci":
        sure["package_index"] = found.legacy.index
    if level == "pipeline":
        proposed["package_name"] = free_package(proposed["project_name"].replace("-", "_"), found.files)
    return sure, proposed


def project_name(folder: str, asked: Mapping[str, Any]) -> str:
    """A name by the folder's that no module of Python or of a project has."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-").lstrip("-0123456789") or "ml-project"
    reserved = asked.get("reserved_names", {}).get("default", ())
    return f"{name}-ml" if name.replace("-", "_") in reserved else name


def free_package(name: str, files: Iterable[str]) -> str:
    """A name for the package that nothing importable has."""
    taken = {part.removesuffix(".py") for path in files for part in path.removeprefix("src/").split("/")[:1]}
    return next(
        one for one in (name, f"{name}_ml", f"{name}_ml_package") if one not in taken or one.endswith("package")
    )
