"""The layers of a new project: rendered with its template, into one tree."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.tree import Tree
from mlops_scaffold.rendering import Rendered, questions
from mlops_scaffold.rendering.layers import Layer, coming, in_order, render_layer, render_layers
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import Version, open_version


def open_layers(named: Sequence[str], folder: Path, prereleases: bool, offline: bool) -> list[Layer]:
    """The layers that are to come to a new project, each named as ADDRESS[@VERSION]. Raises MlopsError."""
    found: dict[str, Layer] = {}
    for text in named:
        address, version = split(text)
        layer = coming(open_version(named_address(address), version, prereleases, offline), folder)
        if layer.name in found:
            raise MlopsError(f"Two layers are called {layer.name}.", "Leave out one --layer.")
        found[layer.name] = layer
    return list(found.values())


def split(text: str) -> tuple[str, str | None]:
    """Address and version of ADDRESS[@VERSION]. The @ of a user's name is followed by a colon or a slash."""
    address, _, version = text.rpartition("@")
    return (address, version) if address and version and not {*":/\\"} & {*version} else (text, None)


def lay_over(
    made: Rendered, version: Version, over: Sequence[Layer], data: Mapping[str, Any], defaults: bool, trust: bool
) -> Tree:
    """The files of a template that was rendered, and of the layers over it; `data` are answers for all of them.

    Raises MlopsError where two write one path, or an answer is wrong.
    """
    base = Layer(Project(over[0].project.folder, made.answers), version, version)
    given = {one.name: {key: value for key, value in data.items() if key in questions(one.newer)} for one in over}
    for one in over:
        catalog.check_values(given[one.name], one.newer.folder)
    render_other = partial(render_layer, defaults=defaults, trust=trust)
    layers = in_order([base, *over])
    rendered = render_layers(
        layers, given, lambda layer, known: (made, made) if layer is base else render_other(layer, known)
    )
    return Tree({path: entry for one in rendered for path, entry in one.theirs.tree.files.items()})
