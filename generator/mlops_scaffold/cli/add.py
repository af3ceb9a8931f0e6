"""`mlops add` and `mlops remove`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.options import AsJson, DryRun, Folder, Force, Offline, Quiet

if TYPE_CHECKING:
    from mlops_scaffold.ground.project import Project
    from mlops_scaffold.sources.source import Version

NAME: dict[str, Any] = {"metavar": "COMPONENT", "help": "One of `mlops components`."}


def add(
    component: Annotated[str, typer.Argument(autocompletion=completing.addable, **NAME)],
    project: Folder = Path(),
    dry_run: DryRun = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Give a project a component; on a question with one answer, this switches it."""
    _change(component, project, True, dry_run, offline, quiet, as_json)


def remove(
    component: Annotated[str, typer.Argument(autocompletion=completing.removable, **NAME)],
    project: Folder = Path(),
    force: Force = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Take a component out of a project."""
    _change(component, project, False, dry_run, offline, quiet, as_json, force)


def _change(
    name: str, folder: Path, adds: bool, dry_run: bool, offline: bool, quiet: bool, as_json: bool, force: bool = False
) -> None:
    from mlops_scaffold.cli.outcomes import show_outcomes
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.components import adding, find, removing, switched
    from mlops_scaffold.updating.evolve import evolve
    from mlops_scaffold.updating.request import Outcome, Request

    report = Report(quiet or as_json)
    request = Request(
        folder=folder,
        same_version=True,
        defaults=True,
        offline=offline,
        dry_run=dry_run,
        remove_edited=None if adds else force,
    )

    def answers(project: "Project", version: "Version") -> Mapping[str, Any]:
        if not adds:
            return removing(project, version, name)
        found = adding(project, version, name)
        replaced = switched(project, find(project, version, name))
        if replaced:
            report.say(f"{name} replaces {replaced}")
        return found

    def one(_: Path) -> Outcome:
        return evolve(request, report, answers)

    sys.exit(show_outcomes(one, [folder], report, as_json, dry_run))
