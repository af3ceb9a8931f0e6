"""`mlops explain PATH`: who put a file here, and whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.projects.components import selected
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.rendering.asked import matcher
from mlops_scaffold.rendering.recorded import render_base
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.sources.catalog import Component, components
from mlops_scaffold.sources.source import mirror_path, reopen_version, sort_releases
from mlops_scaffold.vcs.git import git

MERGED = "merged: edit it as you like; an update merges the template's changes into yours"
SEED = "seed: rendered once, then yours; an update leaves it alone"
MANAGED = "managed: nobody edits it by hand; an edit counts as drift, and an update merges into it"
ANSWERS = "answers: written by mlops and copier alone; change one by: mlops update --data KEY=VALUE"
YOURS = "yours: the template does not have it"


@dataclass(frozen=True)
class Explanation:
    """What is known of a path. What does not apply is empty: `layer` and its `source` are so for the template's own."""

    path: str
    ownership: str
    component: str = ""
    question: str = ""
    answer: str = ""
    template_file: str = ""
    since: str = ""
    deleted: bool = False
    layer: str = ""
    source: str = ""


def explain(layers: Sequence[Project], path: Path, offline: bool = False, trust: bool = False) -> Explanation:
    """Find a path in what the templates of a project render. Raises MlopsError for a path outside."""
    project, *over = layers
    for layer in over:
        name = PurePosixPath(relative(layer, path))
        version = reopen_version(recorded_address(layer.source), layer.version, layer.commit, offline)
        if name in render_base(layer, version, trust).sources:
            return replace(explain_one(layer, path, offline, trust), layer=layer.layer, source=layer.source)
    return explain_one(project, path, offline, trust)


def explain_one(project: Project, path: Path, offline: bool, trust: bool) -> Explanation:
    """Find a path in what one template renders."""
    name = relative(project, path)
    address = recorded_address(project.source)
    version = reopen_version(address, project.version, project.commit, offline)
    made = render_base(project, version, trust)
    rows, managed = components(version.folder), catalog.managed(version.folder)
    row = owner(rows, name, selected(project, {row.name: row for row in rows}))
    source = made.sources.get(PurePosixPath(name), "")
    deleted = not (project.folder / name).exists()
    if not source and (owned := ownership_inside(managed, made, name)):
        return from_row(project, row or owner(rows, f"{name}/", []), name, owned, deleted)
    if not source:
        if deleted and row is None:
            raise MlopsError(f"There is no {name} in the project.", "Name a file, by its path in the project.")
        return (
            Explanation(name, YOURS, deleted=deleted) if row is None else from_row(project, row, name, YOURS, deleted)
        )
    since = first_release(mirror_path(address), version.commit, source)
    return from_row(
        project, row, name, ownership(managed, made.is_seed(name), name, made.answers_path), deleted, source, since
    )


def relative(project: Project, path: Path) -> str:
    """A path's name in the project. It may be given from where one is, or from the project's folder."""
    for candidate in (Path.cwd() / path, project.folder / path):
        absolute = candidate.parent.resolve() / candidate.name
        if absolute.is_relative_to(project.folder) and (absolute.exists() or candidate == project.folder / path):
            return absolute.relative_to(project.folder).as_posix()
    raise MlopsError(f"{path} is not in the project {project.folder}.", "Name a file of it.")


def owner(rows: list[Component], name: str, chosen: list[str]) -> Component | None:
    """The component that a path is there with: of several, the one that was chosen. None for what every project has."""
    owners = [row for row in rows if matcher(row.owns)(name)]
    return next((row for row in owners if row.name in chosen), owners[0] if owners else None)


def ownership(managed: list[str], is_seed: bool, name: str, answers_path: Path) -> str:
    """Whose a file is."""
    if name == answers_path.as_posix():
        return ANSWERS
    if is_seed:
        return SEED
    return MANAGED if matcher(managed)(name) else MERGED


def ownership_inside(managed: list[str], made: Rendered, name: str) -> str:
    """Whose a folder is: whose the files in it are, where that is the same for all; empty otherwise."""
    inside = [str(path) for path in made.sources if path.is_relative_to(name)]
    found = {ownership(managed, made.is_seed(path), path, made.answers_path) for path in inside}
    return found.pop() if len(found) == 1 else ""


def from_row(
    project: Project, row: Component | None, name: str, owned: str, deleted: bool, source: str = "", since: str = ""
) -> Explanation:
    """An explanation with its component's question and answer."""
    if row is None:
        return Explanation(name, owned, template_file=source, since=since, deleted=deleted)
    value = project.last.get(row.axis, "")
    answer = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Explanation(name, owned, row.name, row.axis, answer, source, since, deleted)


def first_release(mirror: Path, commit: str, source: str) -> str:
    """The first released version with a file of the template; its first commit where there is none."""
    history = git("log", "--diff-filter=A", "--format=%H", commit, "--", source, cwd=mirror).splitlines()
    if not history:
        return ""
    releases = sort_releases(git("tag", "--contains", history[-1], "--merged", commit, cwd=mirror).splitlines())
    return releases[0] if releases else git("show", "--no-patch", "--format=%h of %as", history[-1], cwd=mirror)
