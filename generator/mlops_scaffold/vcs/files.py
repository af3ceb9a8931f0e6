"""Files of a project, compared and put into place: what somebody has open, or has saved a moment ago, stays whole."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath

from mlops_scaffold.ground.safe_paths import is_below_link
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.vcs.repository import Repository

FOLDER = "folder"
EMPTY = sha256(b"").hexdigest()


def present(path: Path) -> bool:
    """Whether there is a file or a link."""
    return path.is_symlink() or path.is_file()


def read_source(path: Path) -> Entry:
    """A file outside of the project, as it is."""
    if path.is_symlink():
        return Entry(os.fsencode(path.readlink()), symlink=True)
    return Entry(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def read_entry(repository: Repository, path: str, executable: bool) -> Entry | None:
    """A project's file or link; nothing where there is none. `executable` is what counts where the disk cannot tell."""
    here = repository.folder / path
    if is_below_link(repository.folder, path):
        return None
    if here.is_symlink():
        return Entry(os.fsencode(here.readlink()), symlink=True)
    if not here.is_file():
        return None
    return Entry(here.read_bytes(), bool(here.stat().st_mode & 0o100) if repository.keeps_modes else executable)


def fingerprint(path: Path) -> str | None:
    """The kind of a file, whether it is executable, and a hash of its bytes; nothing where there is nothing."""
    if path.is_symlink():
        return f"link {sha256(os.fsencode(path.readlink())).hexdigest()}"
    if not path.is_file():
        return FOLDER if path.is_dir() else None
    kind = "program" if path.stat().st_mode & 0o100 else "file"
    return f"{kind} {sha256(path.read_bytes()).hexdigest()}"


def copy(source: Path, target: Path) -> None:
    """A file of its own with the same bytes: whoever writes to the one does not write to the other."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def bring(source: Path, target: Path, keep: bool = False) -> Path:
    """A file beside the place that it is to have, whole, with the rights of what is there now.

    What was laid out is on the disk already; a copy is flushed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        _remove_empty_tree(target)
    beside = target.with_name(f".mlops-{os.getpid()}.tmp")
    try:
        if keep:
            raise OSError
        source.rename(beside)
    except OSError:  # another file system
        copy(source, beside)
        flush([beside])
    if not beside.is_symlink():
        os.utime(beside)
        if target.is_file() and not target.is_symlink():
            reading = target.stat().st_mode & 0o666
            beside.chmod(reading | (reading >> 2 & 0o111 if beside.stat().st_mode & 0o100 else 0))
    return beside


def replace(source: Path, target: Path) -> None:
    """Put a file into the place that it was brought to."""
    source.replace(target)


def sweep(folder: Path) -> None:
    """Remove what was brought and never put into place."""
    for leftover in folder.glob(".mlops-*.tmp") if folder.is_dir() else ():
        leftover.unlink()


def flush(paths: Iterable[Path]) -> None:
    """Have files and folders written to the disk itself: a rename must not come there before what it names."""
    for path in paths:
        if path.is_symlink():
            continue
        with suppress(PermissionError):  # a folder cannot be opened on Windows
            handle = os.open(path, os.O_RDONLY)
            try:
                with suppress(OSError):  # some file systems have no such thing
                    os.fsync(handle)
            finally:
                os.close(handle)


def remove_empty_folders(repository: Repository, path: str) -> None:
    """Remove the folders that a removed file leaves empty, as git does."""
    for parent in list(PurePosixPath(path).parents)[:-1]:
        try:
            (repository.folder / parent).rmdir()
        except OSError:
            return


def _remove_empty_tree(folder: Path) -> None:
    for child in sorted(folder.rglob("*"), reverse=True):
        child.rmdir()
    folder.rmdir()
