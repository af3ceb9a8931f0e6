"""The templates that one update takes: each with the version that the project has, and the one that it shall have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project, open_layers
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.rendering import questions
from mlops_scaffold.rendering.layers import Layer, coming, in_order
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address, recorded_address
from mlops_scaffold.sources.source import Version, is_older, open_version, reopen_version
from mlops_scaffold.updating.request import Request

NewAnswers = Callable[[Project, Version], Mapping[str, Any]]


def find_layers(request: Request, project: Project) -> list[Layer]:
    """The base and the layers over it, in order; what --answers-file names alone, as copier does.

    A version that was asked for is the base's: the layers stay at theirs then.
    """
    found = [Layer(project, *versions(request, project))]
    if request.answers_file:
        return found
    kept = replace(request, same_version=request.same_version or request.ref is not None)
    for one in open_layers(project):
        found.append(Layer(one, *versions(kept, one), goes=one.layer == request.removes))
    if request.removes and not any(one.goes for one in found):
        names = [one.name for one in found[1:]]
        step = f"There are: {', '.join(names)}." if names else "It has none."
        raise MlopsError(f"The project has no layer {request.removes!r}.", step)
    if request.adds:
        found.append(new_layer(request, project, found))
    return in_order(found)


def versions(request: Request, project: Project) -> tuple[Version, Version]:
    """The version that the project has, and the one that it shall have. Raises MlopsError for a downgrade."""
    address = recorded_address(project.source)
    older = reopen_version(address, project.version, project.commit, request.offline)
    if request.same_version:
        return older, older
    newer = open_version(address, request.ref, request.prereleases, request.offline)
    if is_older(address, newer, older):
        if request.ref:
            raise MlopsError(
                f"{newer.name} is older than {older.name}, which the project has.",
                "Downgrades are not supported: revert the commit of the update instead.",
            )
        return older, older
    return older, newer


def new_layer(request: Request, project: Project, there: Sequence[Layer]) -> Layer:
    """The layer that is to come. Raises MlopsError where its answers file is taken."""
    version = open_version(named_address(request.adds), request.adds_ref, request.prereleases, request.offline)
    found = coming(version, project.folder)
    if found.name in [one.name for one in there]:
        raise MlopsError(f"The project has a layer {found.name} already.", "Update it: mlops update")
    return found


def given_answers(request: Request, layers: Sequence[Layer], change: NewAnswers | None) -> dict[str, dict[str, Any]]:
    """The answers that were given, for each layer that asks for them; for the one that comes, where one does.

    Raises MlopsError for an answer to no question.
    """
    from_file = read_mapping(request.data_file) if request.data_file else {}
    given = {**{key: value for key, value in from_file.items() if not key.startswith("_")}, **request.data}
    meant = [layer for layer in layers if layer.comes or not request.adds]
    asked = {layer.name: questions(layer.newer) for layer in meant if given}
    if given:
        catalog.check_keys(given, {key: details for known in asked.values() for key, details in known.items()})
    found: dict[str, dict[str, Any]] = {layer.name: {} for layer in layers}
    for layer in meant:
        found[layer.name] = {key: value for key, value in given.items() if key in asked[layer.name]}
        catalog.check_values(found[layer.name], layer.newer.folder)
    if change:
        found[layers[0].name] |= change(layers[0].project, layers[0].older)
    return found
