"""`mlops add` and `mlops remove`: a component as a change of the answers, by the components table."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.sources.catalog import OPTIONAL, SEVERAL, Component, components, suggest
from mlops_scaffold.sources.source import Version

WHOLE = "pipeline"  # the level of a project that uses all of the template


def adding(project: Project, version: Version, name: str) -> dict[str, Any]:
    """The answers with a component. Raises MlopsError where it is there, unknown, or goes with something else only."""
    rows, row = table(project, version), find(project, version, name)
    if name in selected(project, rows):
        raise MlopsError(f"The project has {name} already.", "See what it is made of: mlops explain PATH")
    answer = inserted(project.last.get(SEVERAL, []), name, list(rows)) if row.axis == SEVERAL else name
    return checked(project, rows, {row.axis: answer})


def inserted(chosen: Sequence[str], name: str, table: Sequence[str]) -> list[str]:
    """A name put where the table has it among others, so that removing and adding it gives the same answer again."""
    later = table[table.index(name) :]
    place = next((i for i, other in enumerate(chosen) if other in later), len(chosen))
    return [*chosen[:place], name, *chosen[place:]]


def removing(project: Project, version: Version, name: str) -> dict[str, Any]:
    """The answers without a component. Raises MlopsError where it cannot go, or something else needs it."""
    find(project, version, name)
    return without(project, table(project, version), name)


def without(project: Project, rows: Mapping[str, Component], name: str) -> dict[str, Any]:
    """The answers without a component of the table. Raises MlopsError where it cannot go."""
    row = rows[name]
    if name not in selected(project, rows):
        raise MlopsError(f"The project has no {name}.", suggest(name, selected(project, rows)))
    if row.axis == SEVERAL:
        return checked(project, rows, {SEVERAL: [one for one in project.last[SEVERAL] if one != name]})
    if row.axis not in OPTIONAL:
        others = [other.name for other in rows.values() if other.axis == row.axis and other.name != name]
        instead = f"Switch it: mlops add {others[0]}" if others else "Keep it."
        raise MlopsError(f"A project has one {row.axis}: it can be switched, not removed.", instead)
    return checked(project, rows, {row.axis: "none"})


def table(project: Project, version: Version) -> dict[str, Component]:
    """The components by name. Raises MlopsError for a template without the table."""
    rows = {row.name: row for row in components(version.folder)}
    if not rows:
        raise MlopsError(
            f"The template {project.source} has no components.", "Change an answer: mlops update --data KEY=VALUE"
        )
    return rows


def find(project: Project, version: Version, name: str) -> Component:
    """A component by its name. Raises MlopsError that names the nearest."""
    rows = table(project, version)
    if name not in rows:
        raise MlopsError(f"The template {version.name} has no component {name!r}.", suggest(name, rows))
    level, axis = project.last.get("level", WHOLE), rows[name].axis
    if level != WHOLE and axis not in project.last:
        sentence = f"The project uses the template at level {level}, which has no {axis}."
        raise MlopsError(sentence, f"Raise it first: mlops update --data level={WHOLE}")
    return rows[name]


def selected(project: Project, rows: Mapping[str, Component], answers: Mapping[str, Any] | None = None) -> list[str]:
    """The components that the project's answers choose."""
    merged = {**project.last, **(answers or {})}
    chosen: list[str] = []
    for axis in dict.fromkeys(row.axis for row in rows.values()):
        value = merged.get(axis, [])
        chosen += value if isinstance(value, list) else [value]
    return [name for name in chosen if name in rows]


def checked(project: Project, rows: Mapping[str, Component], answers: dict[str, Any]) -> dict[str, Any]:
    """The answers, if all that is chosen then goes together. Raises MlopsError that says what does not."""
    chosen = selected(project, rows, answers)
    for row in (rows[name] for name in chosen):
        if row.needs and not set(row.needs) & set(chosen):
            needed = " or ".join(row.needs)
            raise MlopsError(f"{row.name} needs {needed}.", f"Add {row.needs[0]} first, or do without {row.name}.")
        in_the_way = sorted(set(row.excludes) & set(chosen))
        if in_the_way:
            raise MlopsError(f"{row.name} does not go with {in_the_way[0]}.", "Remove one of them first.")
    return answers


def switched(project: Project, row: Component) -> str:
    """What a component replaces; nothing where it comes on top."""
    current = project.last.get(row.axis)
    return str(current) if row.axis != SEVERAL and current not in (None, "none") else ""
