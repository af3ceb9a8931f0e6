"""`mlops presets`."""

import json
from typing import Annotated

import typer

from mlops_scaffold.cli.options import Quiet, Template


def presets(
    template: Template = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the sets of answers that come with the template."""
    from dataclasses import asdict

    from mlops_scaffold.ground.errors import shown
    from mlops_scaffold.sources import catalog
    from mlops_scaffold.sources.address import find_address
    from mlops_scaffold.sources.source import open_version

    found = catalog.presets(open_version(find_address(template), None).folder)
    if as_json:
        print(json.dumps([asdict(preset) for preset in found]))
    if quiet or as_json:
        return
    for preset in found:
        print(shown(f"{preset.name:12} {preset.help}"))
