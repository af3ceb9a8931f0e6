"""Files of a project, compared and put into place: what somebody has open, or has saved a moment ago, stays whole."""

import os
import shutil
from pathlib import Path, PurePosixPath

from mlops_scaffold.repository import Repository
from mlops_scaffold.safe_paths import is_below_link
from mlops_scaffold.tree import Entry


def present(path: Path) -> bool:
    """Whether there is a file or a link."""
    return path.is_symlink() or path.is_file()


def read_source(path: Path) -> Entry:
    """A file of a template, as it is."""
    return Entry(os.fsencode(path.readlink()), symlink=True) if path.is_symlink() else Entry(path.read_bytes())


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


def same(one: Path, other: Path) -> bool:
    """Whether two paths are the same kind of file with the same bytes."""
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if not one.is_file() or not other.is_file():
        return False
    executable = [bool(path.stat().st_mode & 0o100) for path in (one, other)]
    return executable[0] == executable[1] and one.read_bytes() == other.read_bytes()


def replace(source: Path, target: Path) -> None:
    """Put a copy of a file into place by a rename. The copy is another file: what is written to it stays its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        _remove_empty_tree(target)
    temporary = target.with_name(f".mlops-{os.getpid()}.tmp")
    try:
        shutil.copy2(source, temporary, follow_symlinks=False)
        if not source.is_symlink():
            temporary.touch()
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where it cannot have one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)


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
