"""Which renderings are looked at: from the components table, so that a new row is tested without a word here."""

from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

from mlops_scaffold.sources import catalog

SEVERAL = ("extras",)  # axes of which any number of values can be chosen
ASKED = {"package": {"kit_index": "https://packages.example.com/simple"}}  # what a value needs an answer to
Answers = dict[str, Any]


def axes(folder: Path) -> dict[str, list[str]]:
    """Every axis with its values; `none` where an axis can go without."""
    found: dict[str, list[str]] = {}
    for component in catalog.components(folder):
        found.setdefault(component.axis, []).append(component.name)
    return {axis: [*names, "none"] if axis in (*catalog.OPTIONAL, *SEVERAL) else names for axis, names in found.items()}


def is_possible(rows: dict[str, catalog.Component], chosen: tuple[str, ...]) -> bool:
    """Whether the table allows these values together."""
    return all(
        (not rows[name].needs or set(rows[name].needs) & set(chosen)) and not set(rows[name].excludes) & set(chosen)
        for name in chosen
        if name in rows
    )


def all_pairs(folder: Path) -> Iterator[Answers]:
    """Possible combinations that hold every possible pair of values of two axes: greedy, the same every time."""
    table = axes(folder)
    rows = {component.name: component for component in catalog.components(folder)}
    possible = {row: _pairs(row) for row in product(*table.values()) if is_possible(rows, row)}
    wanted = set().union(*possible.values())
    while wanted:
        best = max(possible, key=lambda row: len(wanted & possible[row]))
        wanted -= possible[best]
        yield _answers(dict(zip(table, best, strict=True)))
    yield _answers({"extras": [name for name in table["extras"] if name != "none"]})


def _pairs(row: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    return set(combinations(tuple(enumerate(row)), 2))


def _answers(chosen: dict[str, Any]) -> Answers:
    listed = {
        axis: [] if chosen[axis] == "none" else [chosen[axis]] for axis in SEVERAL if isinstance(chosen[axis], str)
    }
    more = [ASKED.get(value, {}) for value in chosen.values() if isinstance(value, str)]
    return {**chosen, **listed, **{key: answer for answers in more for key, answer in answers.items()}}
