"""`mlops fleet`: many repositories of one template."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_scaffold.cli.light import LightCommand, LightGroup
from mlops_scaffold.cli.options import Prereleases

fleet = typer.Typer(
    name="fleet",
    cls=LightGroup,
    help="Keep many repositories current, by requests that their owners merge.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The inventory of the repositories.")]
Ring = Annotated[str, typer.Option("--ring", help="Only the projects of this ring.")]
Only = Annotated[str, typer.Option("--only", metavar="GLOB", help="Only the repositories of these names.")]
Shard = Annotated[str, typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts.")]
To = Annotated[str | None, typer.Option("--to", help="The template's version; the newest by default.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use what is in the cache.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let the template run its code here; remembered.")]
Despite = Annotated[list[str], typer.Option("--despite", metavar="GLOB", help="Do not wait for these repositories.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Predict files and conflicts; write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each project.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")]
FILE = Path("fleet.yml")


@fleet.command(name="list", cls=LightCommand)
def list_(
    file: File = FILE,
    ring: Ring = "",
    only: Only = "",
    shard: Shard = "",
    discover: Annotated[bool, typer.Option("--discover", help="List what the hosts have besides it.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """List the projects in the inventory; with --discover, the repositories that are missing in it."""
    from mlops_scaffold.fleet.inventory import read_fleet
    from mlops_scaffold.fleet.showing import show_found, show_members

    inventory = read_fleet(file)
    if discover:
        from mlops_scaffold.fleet.discovery import discover as find

        show_found(find(inventory), quiet, as_json)
    else:
        show_members(inventory.chosen(ring, only, shard), quiet, as_json)


@fleet.command(cls=LightCommand)
def status(
    file: File = FILE,
    ring: Ring = "",
    only: Only = "",
    shard: Shard = "",
    offline: Offline = False,
    prereleases: Prereleases = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of each project: its version, request and drift. Writes nothing."""
    from mlops_scaffold.fleet.inventory import read_fleet
    from mlops_scaffold.fleet.renderings import Renderings
    from mlops_scaffold.fleet.showing import show
    from mlops_scaffold.fleet.survey import survey

    inventory = read_fleet(file)
    renderings = Renderings(None, offline, prereleases, trust)
    sys.exit(show(survey(inventory, inventory.chosen(ring, only, shard), renderings), quiet, as_json))


@fleet.command(cls=LightCommand)
def update(
    file: File = FILE,
    ring: Ring = "",
    only: Only = "",
    shard: Shard = "",
    to: To = None,
    despite: Despite = [],  # noqa: B006
    dry_run: DryRun = False,
    offline: Offline = False,
    prereleases: Prereleases = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Propose the template's version to each project: a branch, and a request where there is a host."""
    from mlops_scaffold.fleet.inventory import read_fleet
    from mlops_scaffold.fleet.renderings import Renderings
    from mlops_scaffold.fleet.rollout import Rollout, alone
    from mlops_scaffold.fleet.showing import STOPPED, show
    from mlops_scaffold.fleet.survey import survey
    from mlops_scaffold.ground.errors import shown
    from mlops_scaffold.vcs.git import require_identity

    inventory = read_fleet(file)
    members = inventory.chosen(ring, only, shard)
    renderings = Renderings(to, offline, prereleases, trust)
    if dry_run:
        sys.exit(show(survey(inventory, members, renderings, predict=True), quiet, as_json))
    require_identity()
    rollout = Rollout(inventory, renderings, tuple(despite))
    with alone(inventory):
        code = show(rollout.update(members, ring), quiet, as_json)
    if rollout.stopped:
        print(f"mlops: {shown(rollout.stopped)}", file=sys.stderr)
    sys.exit(STOPPED if rollout.too_many else code)


@fleet.command(cls=LightCommand)
def abort(
    file: File = FILE,
    ring: Ring = "",
    only: Only = "",
    shard: Shard = "",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Close the requests and delete the branches that nobody else has committed to."""
    from mlops_scaffold.fleet.inventory import read_fleet
    from mlops_scaffold.fleet.renderings import Renderings
    from mlops_scaffold.fleet.rollout import Rollout, alone
    from mlops_scaffold.fleet.showing import show

    inventory = read_fleet(file)
    with alone(inventory):
        lines = Rollout(inventory, Renderings()).abort(inventory.chosen(ring, only, shard))
        sys.exit(show(lines, quiet, as_json))


@fleet.command(cls=LightCommand)
def report(
    file: File = FILE,
    ring: Ring = "",
    only: Only = "",
    shard: Shard = "",
    format: Annotated[str, typer.Option("--format", help="md, html, json or table.")] = "md",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    offline: Offline = False,
    prereleases: Prereleases = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write the state of each project for people: Markdown or one HTML page. Exits with 0 once it is written."""
    from mlops_scaffold.fleet.inventory import read_fleet
    from mlops_scaffold.fleet.renderings import Renderings
    from mlops_scaffold.fleet.reporting import text_in
    from mlops_scaffold.fleet.survey import survey

    inventory = read_fleet(file)
    renderings = Renderings(None, offline, prereleases, trust)
    lines = survey(inventory, inventory.chosen(ring, only, shard), renderings)
    text = text_in("json" if as_json else format, lines)
    if output:
        output.write_text(text, encoding="utf-8")
    elif not quiet or as_json:
        print(text, end="")
