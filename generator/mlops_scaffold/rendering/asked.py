"""How a template's questions are to be answered, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.tree import Tree


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


@dataclass(frozen=True)
class Rendered:
    """A template, rendered: all answers (hidden ones too), the files, and what copier would leave alone."""

    answers: dict[str, Any]
    tree: Tree
    answers_path: Path
    seeds: tuple[str, ...]
