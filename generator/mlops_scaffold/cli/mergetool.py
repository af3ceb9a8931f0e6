"""`mlops mergetool`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_scaffold.cli.options import AsJson, Quiet

File = Annotated[Path, typer.Argument(help="A version of the file: the common one, ours, theirs (%O %A %B).")]


def mergetool(
    base: File,
    ours: File,
    theirs: File,
    path: Annotated[
        str | None, typer.Argument(help="The file's name in the project, which tells its format (%P).")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where the merge goes; into OURS, as git's drivers do.")] = None,
    marker_size: Annotated[str, typer.Option(help="How long conflict markers are (%L).")] = "7",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Merge three versions of a file as an update does: as git's merge driver, or its merge tool."""
    import json

    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.ground.settings import BY_FORMAT, load_settings
    from mlops_scaffold.merging.driver import merge_files

    if not marker_size.isdigit() or not int(marker_size):
        raise MlopsError(f"A marker cannot be {marker_size} long.", "Give a number.")
    name = path or str(output or ours)
    by_format = load_settings().merge == BY_FORMAT
    found = merge_files((base, ours, theirs), name, output or ours, int(marker_size), by_format)
    if as_json:
        print(json.dumps({"path": name, "settled": found.settled, "rule": found.rule, "details": found.details}))
    elif found.rule:
        Report(quiet).say(f"{found.rule}: {name}")
    sys.exit(0 if found.settled else 1)
