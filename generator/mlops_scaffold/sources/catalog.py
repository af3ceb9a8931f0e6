"""What the template offers: its components and presets, read from its own copier.yml."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.settings import read_mapping

OPTIONAL = ("serving", "ci", "cloud")  # axes that may be `none`
SEVERAL = "extras"  # the axis with any number of components


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
    path = folder / "copier.yml"
    question = read_mapping(path).get("components") if path.is_file() else None
    table = question.get("default") if isinstance(question, dict) else None
    if not isinstance(table, dict) or not all(isinstance(row, dict) and "axis" in row for row in table.values()):
        return []
    return [_component(name, row) for name, row in table.items()]


def managed(folder: Path) -> list[str]:
    """Patterns of the files that nobody edits by hand: those of components, and what a layer has as `_mlops_managed`.

    Raises MlopsError where that is no list of patterns.
    """
    path = folder / "copier.yml"
    own = read_mapping(path).get("_mlops_managed", []) if path.is_file() else []
    if not isinstance(own, list) or not all(isinstance(pattern, str) for pattern in own):
        raise MlopsError("The template's _mlops_managed is no list of patterns.", "For example: [/.gitlab/ci/]")
    return [*(pattern for row in components(folder) for pattern in row.managed), *own]


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


def check_values(answers: Mapping[str, Any], folder: Path) -> None:
    """Raise for a value that no component of its axis has, naming the nearest."""
    rows = components(folder)
    for axis in {row.axis for row in rows} & set(answers):
        names = [row.name for row in rows if row.axis == axis]
        value = answers[axis]
        values = value if isinstance(value, list) else [part.strip() for part in str(value).strip("[]").split(",")]
        for one in values:
            if one and one not in names and not (one == "none" and axis in OPTIONAL):
                raise MlopsError(f"{axis} has no value {one!r}.", suggest(str(one), names))


def suggest(name: str, known: Iterable[str]) -> str:
    """A next step that names what is there, the nearest first."""
    return f"There are: {', '.join(difflib.get_close_matches(name, list(known), 99, 0.0))}."
