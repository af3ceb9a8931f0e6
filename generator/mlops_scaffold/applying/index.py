"""A git index, entry by entry; and git's own lock of it."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.vcs.git import GitError, git, git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob, Repository


def stage(repository: Repository, index: Path, entries: Sequence[tuple[str, int, Blob | None]]) -> None:
    """Set entries of an index: (path, stage, blob), or no blob for none."""
    lines = []
    # What goes, goes first: a file may become a folder, and the reverse.
    for path, number, blob in sorted(entries, key=lambda entry: entry[2] is not None):
        mode, oid = (blob.mode, blob.oid) if blob else ("0", repository.no_oid)
        lines.append(f"{mode} {oid} {number}\t".encode() + os.fsencode(repository.prefix + path) + b"\0")
    if lines:
        env = {"GIT_INDEX_FILE": str(index)}
        git_bytes("update-index", "-z", "--index-info", cwd=repository.top, env=env, given=b"".join(lines))


def entries(repository: Repository, index: Path, paths: list[str]) -> dict[str, list[str]]:
    """The entries of some paths in an index, conflict stages too."""
    wanted = set(paths)
    listing = git_bytes(
        "ls-files", "--stage", "-z", "--full-name", cwd=repository.top, env={"GIT_INDEX_FILE": str(index)}
    )
    found: dict[str, list[str]] = {}
    for line in paths_in(listing):
        head, name = line.split("\t", 1)
        path = name.removeprefix(repository.prefix)
        if path in wanted and name.startswith(repository.prefix):
            found.setdefault(path, []).append(head)
    return found


def flag(repository: Repository, index: Path, flags: Mapping[str, str]) -> None:
    """Have git not look at files, as it was told before: S outside a sparse checkout, a small letter for unchanged."""
    for letters, option in (("Ss", "--skip-worktree"), ("hs", "--assume-unchanged")):
        names = [os.fsencode(repository.prefix + path) for path, letter in flags.items() if letter in letters]
        if names:
            env = {"GIT_INDEX_FILE": str(index)}
            given = b"\0".join(names)
            git_bytes("update-index", option, "-z", "--stdin", cwd=repository.top, env=env, given=given)


def digest(repository: Repository) -> str:
    """A hash of the index as it is."""
    return sha256((repository.git_dir / "index").read_bytes()).hexdigest()


def refresh(repository: Repository) -> None:
    """Have git look at the files once: only a matter of speed."""
    with suppress(GitError):
        git("update-index", "-q", "--refresh", cwd=repository.top)


def hold(repository: Repository, new: Path) -> None:
    """Take git's own lock of the index, with the new index in it. Raises MlopsError where another program holds it."""
    lock = repository.git_dir / "index.lock"
    try:
        _put(new, lock)
    except FileExistsError:
        raise MlopsError(
            "Another git command is running in this repository.", f"Wait until it has ended (it holds {lock})."
        ) from None


def _put(new: Path, lock: Path) -> None:
    """The new index under the lock's name too, or a copy of it. Raises FileExistsError where somebody has the name."""
    try:
        os.link(new, lock)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with lock.open("xb") as held:
            held.write(new.read_bytes())


def release(repository: Repository, new: Path) -> None:
    """Remove git's lock of the index, if it is ours."""
    lock = repository.git_dir / "index.lock"
    with suppress(OSError):
        if lock.samefile(new) or lock.read_bytes() == new.read_bytes():
            lock.unlink()
