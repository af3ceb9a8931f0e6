"""The checks by name, what they look at, and what they find."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import Untrusted
from mlops_scaffold.ground.project import BASE, Project, open_layers
from mlops_scaffold.projects.check import Standing, Versions, open_versions
from mlops_scaffold.projects.check import check as compare
from mlops_scaffold.vcs.git import succeeds
from mlops_scaffold.vcs.repository import open_repository
from mlops_scaffold.vcs.trust import is_trusted

TRUST = "If you trust it, and git tracks no .venv, say so once: mlops doctor --trust"
OURS = {"package_name", "problem", "framework"}  # answers that a project of our template has
# Variables that are kept from a project's programs, but that its checks are about.
LOOKED_AT = ("PYTHONDONTWRITEBYTECODE",)

Found = Iterator[tuple[str, str]]  # what is wrong, and the command that mends it


@dataclass(frozen=True)
class Finding:
    """What is not as it should be. With `safe`, nothing is lost by the command, and --fix runs it."""

    check: str
    what: str
    why: str
    mend: str
    safe: bool


@dataclass(frozen=True)
class Place:
    """A project on this machine."""

    project: Project
    offline: bool = False

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.project.folder

    @property
    def package(self) -> str | None:
        """The name of its package; none for a project of another template, which may ask for a name too."""
        answers = self.project.answers
        return str(answers["package_name"]) if answers.keys() >= OURS else None

    @property
    def is_versioned(self) -> bool:
        """Whether it is known which version of its template the project has; the check of the answers says more."""
        return isinstance(self.project.answers.get("_commit"), str)

    @cached_property
    def trusted(self) -> bool:
        """Whether its programs may run: not where git tracks its environment, so that somebody else made it."""
        tracked = ("ls-files", "--error-unmatch", "--", ".venv")
        return is_trusted(self.folder) and not succeeds(*tracked, cwd=self.folder)

    def require_trust(self) -> None:
        """Raise Untrusted where nothing of the project may run."""
        if not self.trusted:
            raise Untrusted("it would run code of the project.", TRUST)

    @cached_property
    def versions(self) -> Versions:
        """The template's version here and its newest. Raises MlopsError where the template cannot be had."""
        return open_versions(self.project, self.offline)

    @cached_property
    def over(self) -> list[Project]:
        """The layers over its template."""
        return open_layers(self.project) if self.project.layer == BASE else []

    @cached_property
    def standing(self) -> Standing:
        """Where it stands against its template, asked once. Raises MlopsError where the template cannot be had."""
        return compare(self.project, open_repository(self.folder), self.offline, over=self.over)

    @cached_property
    def variables(self) -> dict[str, str]:
        """The environment as the person has it, as far as a project's programs may see it."""
        found = process.project_environment()
        found.pop("UV_PYTHON")  # ours; the project may have another
        kept = {name: os.environ[name] for name in LOOKED_AT if name in os.environ}
        return {**found, **kept, "PATH": os.environ.get("PATH", "")}


@dataclass(frozen=True)
class Check:
    """One look at one thing."""

    why: str
    safe: bool
    look: Callable[[Place], Found]

    @property
    def should(self) -> str:
        """What should be so."""
        return (self.look.__doc__ or "").splitlines()[0]


CHECKS: dict[str, Check] = {}


def check(why: str, safe: bool = False) -> Callable[[Callable[[Place], Found]], Callable[[Place], Found]]:
    """Put a function among the checks, under its name."""

    def register(look: Callable[[Place], Found]) -> Callable[[Place], Found]:
        CHECKS[look.__name__.replace("_", "-")] = Check(why, safe, look)
        return look

    return register
