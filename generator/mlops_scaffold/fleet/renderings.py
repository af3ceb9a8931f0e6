"""The versions of the fleet's templates and what they render: found once for all projects that share them."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import BASE, Project
from mlops_scaffold.rendering import Rendered, questions, settings
from mlops_scaffold.rendering.asked import matcher
from mlops_scaffold.rendering.layers import Layer, RenderedLayer, in_order, render_layers
from mlops_scaffold.rendering.recorded import render_base, render_newer
from mlops_scaffold.sources.address import Address, recorded_address
from mlops_scaffold.sources.catalog import managed
from mlops_scaffold.sources.source import Version, is_older, open_version, reopen_version

FOLDER_NAME = "_folder_name"  # copier's: a template may render the name of the project's folder
KEPT = 32  # renderings in memory: projects of equal answers come one after the other, or often


@dataclass
class Renderings:
    """What was found so far. What failed once fails again, with the same sentence."""

    to: str | None = None
    offline: bool = False
    prereleases: bool = False
    trust: bool = False
    _versions: dict[tuple[str, ...], Version | MlopsError] = field(default_factory=dict)
    _rendered: OrderedDict[str, Rendered] = field(default_factory=OrderedDict)

    def versions(self, project: Project) -> tuple[Version, Version]:
        """The version that a project has, and the one that it shall have. Raises MlopsError."""
        source, name, commit = project.source, project.version, project.commit
        address = recorded_address(source)
        older = self._version((source, name, commit), lambda: reopen_version(address, name, commit, self.offline))
        to = self.to if project.layer == BASE else None
        newer = self._version((source, to or ""), lambda: self._open(address, to))
        return older, older if older.commit != newer.commit and is_older(address, newer, older) else newer

    def layers(self, project: Project, over: Iterable[Project]) -> list[Layer]:
        """The template of a project and the layers over it, in order. A version that was asked for is the template's.

        Raises MlopsError.
        """
        found = [Layer(project, *self.versions(project))]
        for one in over:
            older, newer = self.versions(one)
            found.append(Layer(one, older, older if self.to else newer))
        return in_order(found)

    def newest(self, project: Project) -> str:
        """The name of the template's newest version."""
        address = recorded_address(project.source)
        return self._version((project.source, ""), lambda: self._open(address, None)).name

    def _open(self, address: Address, ref: str | None) -> Version:
        return open_version(address, ref, self.prereleases, self.offline)

    def _version(self, key: tuple[str, ...], find: Callable[[], Version]) -> Version:
        if key not in self._versions:
            try:
                self._versions[key] = find()
            except MlopsError as error:
                self._versions[key] = error
        found = self._versions[key]
        if isinstance(found, MlopsError):
            raise found
        return found

    def base(self, project: Project, older: Version) -> Rendered:
        """The template as the project last rendered it."""
        key = rendering_key(project, older)
        return self._once(key, lambda: render_base(project, older, self.trust))

    def both(self, layer: Layer, data: Mapping[str, Any]) -> tuple[Rendered, Rendered]:
        """The same, and as it renders now. New questions are answered by their defaults."""
        project, newer = layer.project, layer.newer
        base, key = self.base(project, layer.older), rendering_key(project, newer, data)
        return base, self._once(key, lambda: render_newer(project, newer, data, defaults=True, trust=self.trust))

    def of_layers(self, layers: Sequence[Layer]) -> list[RenderedLayer]:
        """Both renderings of each layer; projects with equal answers share them."""
        return render_layers(layers, {}, self.both)

    def _once(self, key: str, render: Callable[[], Rendered]) -> Rendered:
        if key not in self._rendered:
            self._rendered[key] = render()
            if len(self._rendered) > KEPT:
                self._rendered.popitem(last=False)
        self._rendered.move_to_end(key)
        return self._rendered[key]


def rendering_key(project: Project, version: Version, data: Mapping[str, Any] | None = None) -> str:
    """Equal for projects that a version renders alike: by their answers, and their folder's name where it counts.

    `data` are the answers of an update; None for the version that the project has.
    """
    folder = project.folder.name if names_folder(version, frozenset(project.last)) else ""
    parts = [version.source, version.name, version.commit, project.answers_file, folder, project.last, data]
    return json.dumps(parts, sort_keys=True, default=repr)


@lru_cache(maxsize=256)
def names_folder(version: Version, answered: frozenset[str]) -> bool:
    """Whether a rendering may hold the folder's name: a file does, or a question that has no answer yet."""
    if _files_name_folder(version):
        return True
    asked = questions(version)
    return any(FOLDER_NAME in str(details) for name, details in asked.items() if name not in answered)


@lru_cache(maxsize=64)
def _files_name_folder(version: Version) -> bool:
    own = {version.folder / "copier.yml", version.folder / "copier.yaml"}
    files = (path for path in version.folder.rglob("*") if path.is_file() and path not in own)
    in_settings = any(FOLDER_NAME in str(value) for value in settings(version).values())
    return in_settings or any(FOLDER_NAME.encode() in str(path).encode() + path.read_bytes() for path in files)


@lru_cache(maxsize=64)
def managed_in(folder: Path) -> Callable[[str], bool]:
    """Whether a path is a file that nobody edits by hand, by the template that is laid out in a folder."""
    return lru_cache(maxsize=4096)(matcher(managed(folder)))
