"""What a shell proposes when TAB is pressed. Nothing is fetched; what goes wrong is not said."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mlops_scaffold.ground.project import Project

Complete = Callable[[typer.Context], list[str]]


def silent(complete: Callable[[typer.Context], Iterable[str]]) -> Complete:
    """Propose nothing where something is wrong: the command itself will say what."""

    def found(ctx: typer.Context) -> list[str]:
        try:
            return list(complete(ctx))
        except Exception:  # a broken project, template or setting, whichever way it is broken
            return []

    return found


@silent
def addable(_: typer.Context) -> Iterable[str]:
    """The components that the project in this folder has not; without a project, all."""
    from mlops_scaffold.projects.components import selected
    from mlops_scaffold.sources.catalog import components

    project = project_here()
    rows = {row.name: row for row in components(template_folder(project))}
    chosen = selected(project, rows) if project else []
    return [name for name in rows if name not in chosen]


@silent
def removable(_: typer.Context) -> Iterable[str]:
    """The components that the project in this folder has, and can be without."""
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.projects.components import selected, without
    from mlops_scaffold.sources.catalog import components

    project = project_here()
    if not project:
        return
    rows = {row.name: row for row in components(template_folder(project))}
    for name in selected(project, rows):
        try:
            without(project, rows, name)
        except MlopsError:
            continue
        yield name


@silent
def layers(_: typer.Context) -> Iterable[str]:
    """The layers of the project in this folder."""
    from mlops_scaffold.ground.project import open_layers

    project = project_here()
    return [layer.layer for layer in open_layers(project)] if project else []


@silent
def presets(ctx: typer.Context) -> Iterable[str]:
    """The presets of the template."""
    folder = template_folder(None, ctx.params.get("template"))
    return sorted(path.stem for path in (folder / "template/presets").glob("*.yml"))


@silent
def questions(ctx: typer.Context) -> Iterable[str]:
    """The questions of the template, each ready to be answered."""
    from mlops_scaffold.ground.settings import read_mapping

    asked = read_mapping(template_folder(None, ctx.params.get("template")) / "copier.yml").items()
    return [
        f"{name}="
        for name, details in asked
        if not name.startswith("_") and isinstance(details, dict) and details.get("when", True) is not False
    ]


@silent
def levels(_: typer.Context) -> Iterable[str]:
    """How much of the template a repository may use."""
    from mlops_scaffold.adopting.request import LEVELS

    return LEVELS


@silent
def checks(_: typer.Context) -> Iterable[str]:
    """The checks of `mlops doctor`: the tool's, and those that the project in this folder carries."""
    from mlops_scaffold.doctor import CHECKS

    project = project_here()
    carried = project.checks if project else None
    own = own_checks(carried) if carried else ()
    return dict.fromkeys([*CHECKS, *own])


def own_checks(path: Path) -> Iterable[str]:
    """The functions of a project's doctor that are checks, by name; its code is read, not run."""
    import ast

    for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            marks = node.decorator_list if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(mark).startswith("check(") for mark in marks):
                yield node.name.replace("_", "-")


@silent
def paths(_: typer.Context) -> Iterable[str]:
    """The files of the project in this folder; where git knows none, the shell proposes its own."""
    from mlops_scaffold.vcs.git import git

    return git("ls-files", "-z", cwd=Path()).rstrip("\0").split("\0")


def project_here() -> "Project | None":
    """The project in this folder, if it is one."""
    from mlops_scaffold.ground.project import ANSWERS_FILE, open_project

    return open_project(Path()) if Path(ANSWERS_FILE).is_file() else None


def template_folder(project: "Project | None", named: str | None = None) -> Path:
    """The template that a command would use, as it was last seen on this machine."""
    from mlops_scaffold.sources import source
    from mlops_scaffold.sources.address import find_address, recorded_address

    address = recorded_address(project.source) if project else find_address(named)
    mirror = source.mirror_path(address)
    if not (mirror / "HEAD").exists():
        return source.open_version(address, None, offline=True).folder
    ref = (project.commit or project.version) if project else source.newest_tag(mirror, False) or source.NEWEST
    return source.lay_out(mirror, source.find_commit(mirror, ref))
