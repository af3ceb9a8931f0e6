"""`mlops layer`: templates over the project's own."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.light import LightCommand, LightGroup
from mlops_scaffold.cli.options import AsJson, Defaults, DryRun, Folder, Force, Offline, Prereleases, Quiet

if TYPE_CHECKING:
    from mlops_scaffold.updating.request import Request

layer = typer.Typer(
    name="layer",
    cls=LightGroup,
    help="Put templates of your own over a project's template, such as your company's.",
    no_args_is_help=True,
)

Data = Annotated[list[str], typer.Option("--data", "-d", metavar="KEY=VALUE", help="An answer.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let templates and project run code here; remembered.")]


@layer.command(cls=LightCommand)
def add(
    template: Annotated[str, typer.Argument(metavar="ADDRESS", help="The layer's template: its address or path.")],
    project: Folder = Path(),
    vcs_ref: Annotated[
        str | None, typer.Option("--to", "--vcs-ref", "-r", help="The layer's version; the newest by default.")
    ] = None,
    prereleases: Prereleases = False,
    data: Data = [],  # noqa: B006
    defaults: Defaults = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Add a layer to a project; from then on, mlops update keeps both current."""
    from mlops_scaffold.creating.new import parse_data
    from mlops_scaffold.updating.request import Request
    from mlops_scaffold.vcs.trust import remember

    if trust:
        remember(project)
    asked = Request(
        folder=project,
        prereleases=prereleases,
        data=parse_data(data),
        defaults=defaults,
        dry_run=dry_run,
        offline=offline,
        trust=trust,
        adds=template,
        adds_ref=vcs_ref,
    )
    change(asked, quiet, as_json)


@layer.command(cls=LightCommand)
def remove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The layer: NAME of .copier-answers.NAME.yml.", autocompletion=completing.layers
        ),
    ],
    project: Folder = Path(),
    force: Force = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Take a layer and its files out of a project."""
    from mlops_scaffold.updating.request import Request

    asked = Request(folder=project, defaults=True, dry_run=dry_run, offline=offline, removes=name, remove_edited=force)
    change(asked, quiet, as_json)


def change(asked: "Request", quiet: bool, as_json: bool) -> None:
    """Change the layers of a project; all templates stay at their versions."""
    from mlops_scaffold.cli.outcomes import show_outcomes
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.updating.evolve import evolve

    report = Report(quiet or as_json)
    request = replace(asked, same_version=True)
    sys.exit(show_outcomes(lambda _: evolve(request, report), [asked.folder], report, as_json, asked.dry_run))
