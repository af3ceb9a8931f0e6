"""A project's files in memory: planned here, written once."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import checked, folded


@dataclass(frozen=True)
class Entry:
    """One file: its bytes (or a symlink's target), and whether it is executable."""

    content: bytes
    executable: bool = False
    symlink: bool = False


@dataclass(frozen=True)
class Tree:
    """All files by their path. Raises MlopsError for a path that must not be written, or is below a symlink."""

    files: Mapping[PurePosixPath, Entry]

    def __post_init__(self) -> None:
        links = {folded(checked(path)): path for path, entry in self.files.items() if entry.symlink}
        for path in map(checked, self.files):
            for part in (path, *path.parents) if links else ():
                link = links.get(folded(part), path)
                if link != path:  # above it, or of the same name where the file system ignores case
                    sentence = f"The template would write {str(path)!r} through its symlink {str(link)!r}."
                    raise MlopsError(sentence, "Do not use this template.")

    @property
    def paths(self) -> list[str]:
        """The paths in order."""
        return sorted(map(str, self.files))

    def write_new(self, folder: Path) -> None:
        """Write to a folder that is not there, beside it first, then renamed: all of it is there or nothing.

        An empty folder stays the same one, as somebody may be in it: the files are moved into it.

        Raises MlopsError where the disk is full or must not be written to.
        """
        parent = _nearest_existing(folder)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder if folder.exists() else folder.parent))
            try:
                self._write(fresh)
                _move(fresh, folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        except OSError as error:
            _remove_empty(folder.parent, parent)
            raise MlopsError(f"{folder} cannot be written: {error.strerror}.", "Nothing was left behind.") from None

    def _write(self, folder: Path) -> None:
        for path, entry in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if entry.symlink:
                target.symlink_to(entry.content.decode())
                continue
            target.write_bytes(entry.content)
            if entry.executable:
                target.chmod(target.stat().st_mode | (0o111 & ~_umask()))


def _move(fresh: Path, folder: Path) -> None:
    if not folder.exists():
        fresh.chmod(0o777 & ~_umask())
        fresh.rename(folder)
        return
    for item in list(fresh.iterdir()):
        item.rename(folder / item.name)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _nearest_existing(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.exists())


def _remove_empty(folder: Path, until: Path) -> None:
    """Remove the empty folders that were made on the way."""
    for made in (folder.absolute(), *folder.absolute().parents):
        if made == until or not made.exists() or any(made.iterdir()):
            return
        made.rmdir()
