"""`mlops check`: is a project behind its template, or has it drifted from it?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mlops_scaffold.ground.errors import Untrusted
from mlops_scaffold.ground.package import Package
from mlops_scaffold.ground.project import Project
from mlops_scaffold.projects.library import FOLDER, Library, inspect
from mlops_scaffold.projects.manifest import Manifest, is_repinned, manifest, matches
from mlops_scaffold.rendering.layers import Layer, outdated
from mlops_scaffold.sources.address import Address, recorded_address
from mlops_scaffold.sources.source import Version, is_older, open_version, releases_between, reopen_version
from mlops_scaffold.vcs.conflicts import unsettled
from mlops_scaffold.vcs.repository import Repository

HEADING = re.compile(r"^## +\[?v?(?P<version>[0-9][^\s\]]*)")


@dataclass
class Standing:
    """Where a project stands. `incoming` are its files that an update would change, `edited` the ones it changed.

    Both are known only where the files were `compared`. `conflicts` are the files with an open one, each with its kind.
    """

    version: str
    newest: str
    behind: bool = False
    compared: bool = True
    releases: dict[str, list[str]] = field(default_factory=dict)
    incoming: list[str] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    library: Library | Package | None = None
    layers: list["LayerStanding"] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether no conflict is open, and nothing that the template manages was edited."""
        return not (self.conflicts or self.drifted or (self.library and self.library.sentence))

    @property
    def as_it_should_be(self) -> bool:
        """Whether there is nothing to do."""
        return self.sound and not self.behind and all(one.is_current for one in self.layers)


@dataclass
class LayerStanding:
    """Where a layer over the template stands. `answers` are those that the base has otherwise by now."""

    name: str
    version: str
    newest: str
    behind: bool = False
    answers: dict[str, Any] = field(default_factory=dict)
    releases: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_current(self) -> bool:
        """Whether an update would leave it as it is."""
        return not (self.behind or self.answers)


@dataclass(frozen=True)
class Versions:
    """The version of its template that a project has, and the newest one."""

    address: Address
    older: Version
    newer: Version

    @cached_property
    def behind(self) -> bool:
        """Whether the newest is newer."""
        return self.older.commit != self.newer.commit and not is_older(self.address, self.newer, self.older)

    @property
    def taken(self) -> Version:
        """The version that an update takes."""
        return self.newer if self.behind else self.older


def open_versions(project: Project, offline: bool = False, prereleases: bool = False) -> Versions:
    """Both versions; nothing is rendered. Raises MlopsError where the template cannot be had."""
    address = recorded_address(project.source)
    older = reopen_version(address, project.version, project.commit, offline)
    return Versions(address, older, open_version(address, None, prereleases, offline))


def check(
    project: Project,
    repository: Repository,
    offline: bool = False,
    prereleases: bool = False,
    trust: bool = False,
    over: Sequence[Project] = (),
) -> Standing:
    """Compare the project with the version that it was made from, and that with the newest. Writes nothing.

    So are the layers `over` its template.

    A template that runs code of its own is not rendered before it is trusted: its files are not compared then.
    """
    versions = {one.layer: open_versions(one, offline, prereleases) for one in (project, *over)}
    base = versions[project.layer]
    standing = Standing(base.older.name, base.newer.name, behind=base.behind)
    told = [text for one in versions.values() for text in (*one.older.notices, *one.newer.notices)]
    standing.notices = [*dict.fromkeys(told)]
    standing.conflicts = unsettled(repository)
    if base.behind:
        standing.releases = changelog(base.address, base.older, base.newer)
    standing.layers = layer_standings(project, over, versions)
    for one in (project, *over):
        compare(standing, one, repository, versions[one.layer], trust)
    return standing


def layer_standings(project: Project, over: Sequence[Project], versions: Mapping[str, Versions]) -> list[LayerStanding]:
    """Where each layer over a project's template stands; nothing is rendered."""
    opened = [Layer(one, versions[one.layer].older, versions[one.layer].taken) for one in (project, *over)]
    answers, found = outdated(opened), []
    for one in over:
        known = versions[one.layer]
        standing = LayerStanding(one.layer, known.older.name, known.newer.name, known.behind)
        standing.answers = answers.get(one.layer, {})
        if known.behind:
            standing.releases = changelog(known.address, known.older, known.newer)
        found.append(standing)
    return found


def compare(standing: Standing, project: Project, repository: Repository, versions: Versions, trust: bool) -> None:
    """Compare the files of one template with both of its versions, and add what is found."""
    try:
        base = manifest(project, versions.older, versions.older, trust)
        theirs = manifest(project, versions.newer, versions.older, trust) if versions.behind else base
    except Untrusted as error:
        standing.compared = False
        standing.notices.append(f"{error.sentence} Its files were not compared: mlops check --trust, if you know it.")
        return
    changed = edited(repository, base)
    standing.edited += changed
    standing.library = standing.library or inspect(project, repository, versions.older)
    standing.drifted += [
        path
        for path in changed
        if path in base.managed and not in_library(path, standing) and not is_repinned(repository, path, base)
    ]
    standing.incoming += incoming(base, theirs) if versions.behind else []


def in_library(path: str, standing: Standing) -> bool:
    """Whether a path is told of with the library."""
    return standing.library is not None and path.startswith(f"{FOLDER}/")


def edited(repository: Repository, base: Manifest) -> list[str]:
    """The template's files that the project has changed or deleted, seeds aside."""
    left_out = {*base.seeds, base.answers_path}
    return [
        path
        for path, expected in sorted(base.files.items())
        if path not in left_out and not matches(repository, path, expected)
    ]


def incoming(base: Manifest, theirs: Manifest) -> list[str]:
    """The files that the newer version renders in another way, seeds and the answers aside."""
    left_out = {*theirs.seeds, theirs.answers_path, base.answers_path}
    paths = (base.files.keys() | theirs.files.keys()) - left_out
    return sorted(path for path in paths if base.files.get(path) != theirs.files.get(path))


def changelog(address: Address, older: Version, newer: Version) -> dict[str, list[str]]:
    """The releases after one version up to another, the oldest first, each with its lines in the changelog."""
    names = releases_between(address, older, newer) or [newer.name]
    path = newer.folder / "CHANGELOG.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    sections: dict[str, list[str]] = {}
    current = ""
    for line in lines:
        heading = HEADING.match(line)
        if heading or line.startswith("## "):
            current = heading["version"] if heading else ""
        elif current and line.strip():
            sections.setdefault(current, []).append(line)
    return {name: sections.get(name.removeprefix("v"), []) for name in names}
