"""From a template's version and answers to files in memory: the plain way where it will do, else copier's."""

from pathlib import Path
from typing import Any

from mlops_scaffold.rendering.asked import Asked, Rendered
from mlops_scaffold.rendering.bounded import bounded
from mlops_scaffold.sources.source import Version


def render(version: Version, destination: Path, asked: Asked) -> Rendered:
    """All answers and files. Asks where need be. Raises MlopsError for a wrong answer or template."""
    from mlops_scaffold.rendering import plain
    from mlops_scaffold.rendering.plain_template import NotPlain

    try:
        with bounded():
            return plain.render(version, destination, asked)
    except NotPlain:
        from mlops_scaffold.rendering import copier_adapter

        return copier_adapter.render(version, destination, asked)


def questions(version: Version) -> dict[str, Any]:
    """The template's questions, hidden ones too."""
    from mlops_scaffold.rendering.plain_template import NotPlain, open_template

    try:
        return open_template(version).questions
    except NotPlain:
        from mlops_scaffold.rendering import copier_adapter

        return copier_adapter.questions(version)


def settings(version: Version) -> dict[str, Any]:
    """The template's own settings, as copier.yml has them (without the underscore)."""
    from mlops_scaffold.rendering.plain_template import NotPlain, open_template

    try:
        raw = open_template(version).raw
    except NotPlain:
        from mlops_scaffold.rendering import copier_adapter

        raw = copier_adapter.raw_config(version)
    return {key[1:]: value for key, value in raw.items() if key.startswith("_")}


__all__ = ["Asked", "Rendered", "questions", "render", "settings"]
