"""What is on disk and in no commit: never part of a merge, never written over. It is compared, kept and named."""

from collections.abc import Collection, Mapping
from pathlib import Path

from mlops_scaffold.planning.trees import above
from mlops_scaffold.vcs.files import present, read_entry
from mlops_scaffold.vcs.repository import GITLINK, Blob, Repository
from mlops_scaffold.vcs.scratch import Scratch

KINDS = {GITLINK: "a submodule", "120000": "a link"}


def walls(head: Mapping[str, Blob], base: Mapping[str, Blob]) -> dict[str, str]:
    """What the person has committed in the place of a folder of the template's: nothing is written behind it."""
    found = {path: blob for path, blob in head.items() if blob.mode == GITLINK or path not in base}
    return {path: KINDS.get(blob.mode, "a file") for path, blob in found.items()}


def behind(path: str, found: Mapping[str, str]) -> str:
    """The wall that a path is behind; nothing where there is none."""
    return next((parent for parent in above(path) if parent in found), "")


def obstacles(repository: Repository, paths: Collection[str], going: set[str]) -> dict[str, str]:
    """The new paths that something on disk is in the way of, and what that is."""
    found = {path: obstacle(repository.folder, path, going) for path in paths}
    return {path: there for path, there in found.items() if there}


def obstacle(folder: Path, path: str, going: Collection[str]) -> str:
    """What on disk has the place of a new path: itself, a file or link for one of its folders, a file inside it."""
    for parent in reversed(above(path)):
        if present(folder / parent) and parent not in going:
            return parent
    there = folder / path
    if present(there):
        return "" if path in going else path
    if there.is_dir():
        for file in sorted(there.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if (file.is_symlink() or not file.is_dir()) and name not in going:
                return name
    return ""


def already_there(scratch: Scratch, wanted: Mapping[str, Blob], found: Mapping[str, str]) -> set[str]:
    """The paths whose place has what is wanted there."""
    entries = {}
    for path in (path for path, there in found.items() if path == there):
        entry = read_entry(scratch.repository, path, wanted[path].mode == "100755")
        if entry:
            entries[path] = entry
    return {path for path, blob in scratch.store(entries).items() if blob == wanted[path]}
