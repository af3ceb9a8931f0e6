"""Paths that a template names: none leaves the project or is git's own, on any file system."""

import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from unicodedata import normalize

from mlops_scaffold.ground.errors import MlopsError

# As git itself refuses them: NTFS ignores dots and spaces at the end and what follows a colon, and knows .git by a
# short name too; HFS+ ignores these code points.
GIT = re.compile(r"(?:\.git|git~1)[. ]*(?::.*)?", re.DOTALL)
DOTS = re.compile(r"[. ]*")
IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def fault(path: str | PurePath) -> str:
    """Why a path must not be written in a project; empty where it may be."""
    text = str(path)
    windows = PureWindowsPath(text)
    parts = [part for part in re.split(r"[/\\]", folded(text)) if part]
    if not parts or text.startswith("/") or windows.drive or windows.root or any(map(DOTS.fullmatch, parts)):
        return "is outside of the project"
    if any(map(GIT.fullmatch, parts)):
        return "is in git's own folder"
    return "no file system can hold" if "\0" in text else ""


def checked(path: PurePath) -> PurePosixPath:
    """The path. Raises MlopsError for one that must not be written in a project."""
    reason = fault(path.as_posix())
    if reason:
        raise MlopsError(f"The template would write {str(path)!r}, which {reason}.", "Do not use this template.")
    return PurePosixPath(path.as_posix())


def is_below_link(folder: Path, path: str | PurePath) -> bool:
    """Whether a path in a folder leads through a symlink that is there: it is another place's then, as git sees it."""
    return any((folder / parent).is_symlink() for parent in list(PurePosixPath(path).parents)[:-1])


def folded(path: str | PurePath) -> str:
    """The same text for all paths that some file system takes for one file."""
    return normalize("NFC", str(path).translate(IGNORED)).casefold()
