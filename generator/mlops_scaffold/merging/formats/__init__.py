"""What is known of a file by its name: where its entries are (`spans`), and what it says (`facts`).

A new format is a module with both, and a row here.
"""

from importlib import import_module
from pathlib import PurePosixPath
from typing import Protocol

from mlops_scaffold.merging.formats.facts import Facts
from mlops_scaffold.merging.pieces import Spans

BY_SUFFIX = {
    **dict.fromkeys((".toml",), "toml"),
    **dict.fromkeys((".yml", ".yaml", ".cff"), "yaml"),
    **dict.fromkeys((".json",), "json"),
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".cfg", ".ini"), "ini"),
}
BY_NAME = {
    **dict.fromkeys((".flake8", ".coveragerc", ".editorconfig"), "ini"),
    **dict.fromkeys((".gitignore", ".dockerignore", ".prettierignore", ".dvcignore"), "lines"),
}
# A program wrote these; it, and no merge, makes them fit together.
WRITTEN = {"package-lock.json", "pnpm-lock.yaml", "yarn.lock", "go.sum"}
WRITTEN_SUFFIXES = {".lock", ".ipynb", ".csv", ".tsv", ".svg", ".dvc", ".sum"}


class Format(Protocol):
    """A module of this folder."""

    ORDERED: bool  # the order of the outermost entries says something

    def __hash__(self) -> int:
        """A module is one of a kind."""

    @staticmethod
    def spans(text: str) -> Spans:
        """Where the entries are. Raises Unfit, ValueError or SyntaxError."""

    @staticmethod
    def facts(text: str) -> Facts:
        """What the text says. Raises ValueError or SyntaxError."""

    @staticmethod
    def rest(text: str) -> str:
        """What the facts leave out."""


def format_of(path: str) -> Format | None:
    """The format of a file by its name; None for one without entries."""
    file = PurePosixPath(path)
    name = BY_NAME.get(file.name) or BY_SUFFIX.get(file.suffix.lower(), "")
    if file.suffix in (".txt", ".in") and any(word in file.name for word in ("requirements", "constraints", "deps")):
        name = "lines"
    return import_module(f"{__name__}.{name}") if name else None  # type: ignore[return-value]


def is_written_by_a_program(path: str) -> bool:
    """Whether a file is no text that people edit."""
    file = PurePosixPath(path)
    return file.name in WRITTEN or file.suffix in WRITTEN_SUFFIXES
