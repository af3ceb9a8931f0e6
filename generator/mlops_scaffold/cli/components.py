"""`mlops components`."""

import json
from typing import Annotated

import typer

from mlops_scaffold.cli.options import Quiet, Template


def components(
    template: Template = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List what a project can have, by question."""
    from dataclasses import asdict
    from itertools import groupby

    from mlops_scaffold.ground.errors import shown
    from mlops_scaffold.sources import catalog
    from mlops_scaffold.sources.address import find_address
    from mlops_scaffold.sources.source import open_version

    found = catalog.components(open_version(find_address(template), None).folder)
    if as_json:
        print(json.dumps([asdict(component) for component in found]))
    if quiet or as_json:
        return
    for axis, rows in groupby(found, key=lambda component: component.axis):
        print(shown(axis))
        for row in rows:
            needs = f" (needs {' or '.join(row.needs)})" if row.needs else ""
            print(shown(f"  {row.name:16} {row.help}{needs}"))
