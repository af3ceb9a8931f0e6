"""How a template's questions are to be answered, and what came of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_scaffold.ground.safe_paths import checked
from mlops_scaffold.ground.tree import Tree


@dataclass(frozen=True)
class Asked:
    """`data` is given, `last` was answered before, `user_defaults` stand in for the template's defaults."""

    data: Mapping[str, Any] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    user_defaults: Mapping[str, Any] = field(default_factory=dict)
    defaults: bool = False
    skip_answered: bool = False
    answers_file: str | None = None
    trust: bool = False
    skip_tasks: bool = False
    operation: str = "copy"  # or "update": a template may ask which one it is


@dataclass(frozen=True)
class Rendered:
    """A template, rendered: all answers (hidden ones too), the files, and the patterns of what copier leaves alone.

    `sources` names the file of the template behind each path.
    """

    answers: dict[str, Any]
    tree: Tree
    answers_path: Path
    seeds: tuple[str, ...]
    sources: Mapping[PurePosixPath, str]

    def __post_init__(self) -> None:
        checked(self.answers_path)

    @cached_property
    def is_seed(self) -> Callable[[str], bool]:
        """Whether a path is the user's once it is rendered."""
        return matcher(self.seeds)


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path matches one of some gitignore patterns, whichever way either spells an accent."""
    from unicodedata import normalize

    matches = copiers_matcher(patterns)
    return lambda path: matches(path) or (not path.isascii() and matches(normalize("NFD", path)))


def copiers_matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path matches one of some gitignore patterns, as copier reads them."""
    from unicodedata import normalize

    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", [normalize("NFD", pattern) for pattern in patterns]).match_file
