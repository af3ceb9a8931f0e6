"""What the template offers: its components and presets, read from its own copier.yml."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.settings import read_mapping


@dataclass(frozen=True)
class Component:
    """A row of the components table."""

    name: str
    axis: str
    title: str
    help: str
    owns: tuple[str, ...]
    managed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """An answers file that comes with the template."""

    name: str
    help: str
    answers: dict[str, Any]


def components(folder: Path) -> list[Component]:
    """The components of a template that is laid out in a folder; none for a template without the table."""
    table = read_mapping(folder / "copier.yml").get("components", {}).get("default", {})
    return [_component(name, row) for name, row in table.items()]


def _component(name: str, row: dict[str, Any]) -> Component:
    lists = {key: tuple(row.get(key, ())) for key in ("owns", "managed", "needs", "excludes")}
    return Component(name=name, axis=row["axis"], title=row["title"], help=row["help"], **lists)


def presets(folder: Path) -> list[Preset]:
    """The presets, each explained by its first comment line, the smallest first."""
    found = []
    for path in sorted((folder / "template/presets").glob("*.yml")):
        head = path.read_text(encoding="utf-8").splitlines()[0]
        found.append(Preset(path.stem, head.removeprefix("# "), read_mapping(path)))
    return found


def preset(folder: Path, name: str) -> Preset:
    """A preset by its name. Raises MlopsError that names the nearest."""
    known = {found.name: found for found in presets(folder)}
    if name not in known:
        raise MlopsError(f"There is no preset {name!r}.", suggest(name, known))
    return known[name]


def check_keys(given: Iterable[str], questions: dict[str, Any]) -> None:
    """Raise for an answer to a question that the template does not ask (or computes by itself)."""
    asked = [name for name, details in questions.items() if details.get("when", True) is not False]
    for name in given:
        if name not in asked:
            raise MlopsError(f"The template has no question {name!r}.", suggest(name, asked))


def suggest(name: str, known: Iterable[str]) -> str:
    """A next step that names what is there, the nearest first."""
    return f"There are: {', '.join(difflib.get_close_matches(name, list(known), 99, 0.0))}."
