"""Typer, without the validation library that it loads to read a word or a path.

Our parameters are switches, words, paths, and lists of them: there is nothing to validate, and loading pydantic would
take a third of the time of `mlops check`.

Where Typer's inner parts are others than the ones known here, Typer does it its own way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

CASTS: dict[object, Any] = {
    bool: bool,
    str: str,
    str | None: str,
    Path: Path,
    Path | None: Path,
    list[str]: lambda words: [str(word) for word in words],
    list[Path]: lambda words: [Path(word) for word in words],
}


@dataclass(frozen=True)
class LightParameter:
    """How a word of the command line becomes a value."""

    cast: Any

    def coerce(self, value: Any, **_: object) -> Any:
        """The value; none where none was given."""
        return None if value is None else self.cast(value)


def lighten(parameters: Iterable[object]) -> None:
    """Have parameters read without pydantic."""
    for parameter in parameters:
        annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        if annotation in CASTS and getattr(parameter, "_runtime_param", False) is None:
            parameter._runtime_param = LightParameter(CASTS[annotation])  # type: ignore[attr-defined]


class LightCommand(TyperCommand):
    """A command whose parameters are read without pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)


class LightGroup(TyperGroup):
    """The same for what stands before a command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)
