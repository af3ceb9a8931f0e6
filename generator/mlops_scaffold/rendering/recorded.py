"""A project's template, rendered by the answers that the project has recorded."""

from collections.abc import Mapping
from typing import Any

from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.settings import load_settings
from mlops_scaffold.rendering import Asked, Rendered, questions, render
from mlops_scaffold.sources.source import Version


def render_newer(project: Project, newer: Version, data: Mapping[str, Any], defaults: bool, trust: bool) -> Rendered:
    """The template as it renders now; `data` are other answers. Raises MlopsError for a wrong one."""
    asked = Asked(
        data=data,
        last=usable(project.last, newer),
        user_defaults=load_settings().defaults,
        defaults=defaults,
        skip_answered=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,  # they run in a copy of what is merged
        operation="update",
    )
    return render(newer, project.folder, asked)


def render_base(project: Project, version: Version, trust: bool = False) -> Rendered:
    """The template as the project last rendered it: by its answers, each of which must be a valid one."""
    known = Asked(
        data=usable(project.last, version),
        defaults=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,
        operation="update",
    )
    try:
        return render(version, project.folder, known)
    except Untrusted:
        raise
    except MlopsError as error:
        raise MlopsError(
            f"{project.answers_file} cannot be used: {error.sentence}",
            "Was it edited by hand? Take it back from git's history.",
        ) from None


def usable(last: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The answers, each of them one: older copiers have recorded null where a word is asked for.

    The default stands in for it; where there is none, a word is empty.
    """
    if None not in last.values():
        return dict(last)
    asked, found = questions(version), dict(last)
    for key in [key for key, value in last.items() if value is None]:
        details = asked.get(key)
        default = details.get("default") if isinstance(details, Mapping) else None
        kind = details.get("type", type(default).__name__) if isinstance(details, Mapping) else "yaml"
        if kind not in ("str", "path", "int", "float", "bool"):
            continue  # null is an answer
        del found[key]
        if default is None and kind in ("str", "path"):
            found[key] = ""
    return found
