"""The same merge for three files on disk: as git's merge driver, and as a merge tool."""

import tempfile
from dataclasses import replace
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.merging import hunks
from mlops_scaffold.merging.attributes import read_settings
from mlops_scaffold.merging.resolve import Resolution, Texts, mend, resolve
from mlops_scaffold.merging.settle import merge_file

LABELS = ("ours", "theirs")


def merge_files(files: tuple[Path, Path, Path], path: str, output: Path, size: int, by_format: bool) -> Resolution:
    """Merge base, ours and theirs into a file. Without settled conflicts it has markers. Raises MlopsError."""
    base, ours, theirs = (_read(file) for file in files)
    sides = base, ours, theirs
    with tempfile.TemporaryDirectory(prefix="mlops-merge-") as folder:

        def by_git(given: Texts) -> str:
            return merge_file(Path(folder), given)

        plain = Resolution(tuple(hunks.parse(by_git(sides))))
        found = None
        if by_format:
            found = mend(path, sides, plain.text) if plain.settled else resolve(path, sides, by_git)
    found = found or plain
    text = hunks.show(found.parts, LABELS, size, read_settings(Path()).shows_base)
    output.write_bytes(text.encode())
    return replace(found, rule=found.rule if found.settled else "")


def _read(file: Path) -> str:
    """A side; of a file that is not there, nothing. Raises MlopsError for what is no text."""
    try:
        return file.read_bytes().decode() if file.exists() else ""
    except UnicodeDecodeError:
        raise MlopsError(f"{file} is no text.", "Choose one side: git checkout --ours or --theirs.") from None
