"""The templates of one project: the base, and layers over it that have an answers file of their own.

A layer says which others it comes after, by `_mlops_after` in its copier.yml. A question of it that one of those has
too is answered as it is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import ANSWERS_FILE, BASE, LAYER_FILE, Project
from mlops_scaffold.ground.safe_paths import folded
from mlops_scaffold.ground.settings import load_settings, parse_mapping
from mlops_scaffold.ground.tree import Tree
from mlops_scaffold.rendering import Asked, Rendered, questions, render, settings
from mlops_scaffold.rendering.recorded import render_base, render_newer
from mlops_scaffold.sources.source import Version

Answers = Mapping[str, Mapping[str, Any]]  # of each layer, by its name


@dataclass(frozen=True)
class Layer:
    """One template of a project: the version that it has, and the one that it shall have.

    One that `comes` is not in the project yet; one that `goes` is not to be in it any more.
    """

    project: Project
    older: Version
    newer: Version
    comes: bool = False
    goes: bool = False

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.project.layer

    @property
    def stays_same(self) -> bool:
        """Whether its files are those of the version that the project has."""
        return self.older.commit == self.newer.commit and not (self.comes or self.goes)

    @cached_property
    def after(self) -> list[str]:
        """The names of the layers that it comes after. Raises MlopsError where `_mlops_after` is no list of names."""
        if self.name == BASE:
            return []
        found = settings(self.newer).get("mlops_after", [])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise MlopsError(
                f"_mlops_after in the copier.yml of {self.name} is no list of names.",
                f"For example: _mlops_after: [{BASE}]",
            )
        return found


@dataclass(frozen=True)
class RenderedLayer:
    """A layer as the project last rendered it, and as it renders now by answers of which some were `given`."""

    layer: Layer
    base: Rendered
    theirs: Rendered
    given: Mapping[str, Any]


def coming(version: Version, folder: Path) -> Layer:
    """A layer that is to come to a project. Its template names its answers file. Raises MlopsError where it is none."""
    name = settings(version).get("answers_file", ANSWERS_FILE)
    if not isinstance(name, str) or not LAYER_FILE.fullmatch(name):
        raise MlopsError(
            f"The template {version.source} is no layer: it keeps its answers in {name}.",
            "Name a file of its own in its copier.yml, such as: _answers_file: .copier-answers.security.yml",
        )
    return Layer(Project(folder, {}, name), version, version, comes=True)


def in_order(layers: Iterable[Layer]) -> list[Layer]:
    """The layers, each after those that it says. Raises MlopsError for a circle."""
    known = {layer.name: layer for layer in layers}
    sorter = TopologicalSorter({name: [one for one in layer.after if one in known] for name, layer in known.items()})
    try:
        return [known[name] for name in sorter.static_order()]
    except CycleError as error:
        circle = ", ".join(error.args[1])
        raise MlopsError(
            f"Each of these layers comes after another: {circle}.", "Correct their _mlops_after."
        ) from None


def render_layers(
    layers: Sequence[Layer],
    given: Mapping[str, Mapping[str, Any]],
    render_one: Callable[[Layer, Mapping[str, Any]], tuple[Rendered, Rendered]],
) -> list[RenderedLayer]:
    """Render each layer old and new, in order. Raises MlopsError where two write one path, or an answer is wrong.

    `given` are the answers for each layer; what it shares with others comes from their new answers.
    """
    found: list[RenderedLayer] = []
    answers: dict[str, Mapping[str, Any]] = {}
    for layer in layers:
        data = {**given.get(layer.name, {}), **shared(layer, answers)}
        try:
            base, theirs = render_one(layer, data)
        except Untrusted:
            raise
        except MlopsError as error:
            if layer.name == BASE:
                raise
            raise MlopsError(f"Layer {layer.name}: {error.sentence}", error.next_step) from None
        answers[layer.name] = recorded(theirs)
        found.append(RenderedLayer(layer, base, theirs, data))
    refuse_overlaps(found)
    return found


def render_layer(layer: Layer, data: Mapping[str, Any], defaults: bool, trust: bool) -> tuple[Rendered, Rendered]:
    """One layer as it was rendered for the project, and as it renders now; nothing where it is not there."""
    project, nothing = layer.project, Rendered({}, Tree({}), Path(layer.project.answers_file), (), {})
    if layer.goes:
        return render_base(project, layer.older, trust), nothing
    if not layer.comes:
        return render_base(project, layer.older, trust), render_newer(project, layer.newer, data, defaults, trust)
    asked = Asked(
        data=data,
        user_defaults=load_settings().defaults,
        defaults=defaults,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,
    )
    return nothing, render(layer.newer, project.folder, asked)


def recorded(made: Rendered) -> dict[str, Any]:
    """The answers that a rendering keeps in its answers file."""
    entry = made.tree.files.get(PurePosixPath(made.answers_path.as_posix()))
    kept = parse_mapping(entry.content, made.answers_path) if entry else {}
    return {key: value for key, value in kept.items() if not key.startswith("_")}


def shared(layer: Layer, answers: Answers) -> dict[str, Any]:
    """The answers of a layer that those before it give: to questions of the same name that are not computed."""
    asked = {
        name
        for name, details in (questions(layer.newer).items() if layer.after else ())
        if not (isinstance(details, Mapping) and details.get("when", True) is False)
    }
    before = [answers.get(name, {}) for name in layer.after]
    return {key: value for known in before for key, value in known.items() if key in asked}


def outdated(layers: Sequence[Layer]) -> dict[str, dict[str, Any]]:
    """The answers that a layer has recorded otherwise than the layers that it shares them with, by its name."""
    answers = {layer.name: layer.project.last for layer in layers}
    found = {}
    for layer in layers:
        last = layer.project.last
        new = {key: value for key, value in shared(layer, answers).items() if key in last and last[key] != value}
        if new:
            found[layer.name] = new
    return found


def refuse_overlaps(made: Iterable[RenderedLayer]) -> None:
    """Raise MlopsError for a path that two layers write, or that one needs as a folder and another has as a file."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for one in made:
        name, paths = one.layer.name, list(one.theirs.tree.files)
        above = {folded(parent): parent for path in paths for parent in path.parents if parent.name}
        for key, path in {folded(path): path for path in paths}.items():
            if key in files or key in folders:
                refuse(str(path), files.get(key) or folders[key], name)
        for key, path in above.items():
            if key in files:
                refuse(str(path), files[key], name)
        files |= {folded(path): name for path in paths}
        folders |= dict.fromkeys(above, name)


def refuse(path: str, first: str, second: str) -> None:
    """Raise MlopsError for a path of two layers."""
    raise MlopsError(
        f"Two templates write {path}: {first} and {second}.",
        "Nothing was changed. A path has one layer: one of the two has to leave it out.",
    )
