"""Repositories read without a checkout: their objects through one `git cat-file`, and none of their settings.

The reading git runs in a repository of ours that borrows the objects of theirs, so that nothing of their configuration,
hooks or attributes is followed.
"""

import os
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import new
from pathlib import Path

from mlops_scaffold.applying.journal import git_dir_of
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.vcs.git import GitError, conversation, git
from mlops_scaffold.vcs.repository import Blob, Entries

TREE = "40000"
MOST_FILES = 1_000_000  # of a repository


@dataclass(frozen=True)
class Origin:
    """Where the objects of a repository are; the commits of its default branch, and of ours (empty: there is none)."""

    objects: Path
    head: str
    branch: str = ""


def origin_of(path: Path, head: str, branch: str) -> Origin:
    """A repository on this machine: a bare one, or a work tree. Raises MlopsError where there is none."""
    if not path.is_dir():
        raise MlopsError(f"There is no folder {path}.", "Check the path in fleet.yml.")
    git_dir = git_dir_of(path) if (path / ".git").exists() else path
    if not (git_dir / "HEAD").is_file():
        raise MlopsError(f"{path} is no git repository.", "Name the root of one, or a URL.")
    asked = ("rev-parse", "--path-format=absolute", "--git-path", "objects", "--revs-only", head, branch)
    try:
        objects, *commits = git(f"--git-dir={git_dir}", *asked).splitlines()
    except GitError as error:
        raise MlopsError(f"{path} cannot be read as a git repository.", error.sentence) from None
    if not commits:
        raise MlopsError(f"{path} has no commit.", "Commit the project there.")
    return Origin(Path(objects), commits[0], commits[1] if len(commits) > 1 else "")


@dataclass
class Objects:
    """The objects of one repository, read one after the other."""

    git: "subprocess.Popen[bytes]"

    def find(self, name: str) -> tuple[str, str, bytes] | None:
        """An object's name, kind and content, by any name that git has for it; None where there is none."""
        assert self.git.stdin is not None  # noqa: S101  # both are pipes
        assert self.git.stdout is not None  # noqa: S101
        if "\n" in name:
            return None
        try:
            self.git.stdin.write(os.fsencode(name) + b"\n")
            self.git.stdin.flush()
        except BrokenPipeError:
            raise MlopsError("git cannot read the repository.", "Is it damaged? Run: git fsck") from None
        head = self.git.stdout.readline().split()
        if len(head) != 3 or not head[2].isdigit():
            return None
        oid, kind, size = head
        content = self.git.stdout.read(int(size))
        self.git.stdout.readline()
        return oid.decode(), kind.decode(), content

    def blob(self, oid: str) -> bytes:
        """A file's content. Raises MlopsError where the repository does not have it."""
        found = self.find(oid)
        if found is None:
            raise MlopsError(f"The repository has no object {oid[:10]}.", "Is it damaged? Run: git fsck")
        return found[2]

    def entries(self, tree: str) -> dict[str, Blob]:
        """All files of a tree, by their paths. Raises MlopsError where it is not there, damaged, or without an end."""
        found = self.find(f"{tree}^{{tree}}")
        if found is None:
            raise MlopsError(f"The repository has no tree {tree[:10]}.", "Is it damaged? Run: git fsck")
        files: dict[str, Blob] = {}
        for mode, name, oid in parsed(found[2], len(found[0]) // 2):
            if mode == TREE:
                files |= {f"{name}/{path}": blob for path, blob in self._below(oid).items()}
            else:
                files[name] = Blob(mode, oid)
            if len(files) > MOST_FILES:  # a few folders that are in each other many times are a billion
                raise MlopsError(f"The repository has more than {MOST_FILES:,} files.", "Remove it from fleet.yml.")
        return files

    def _below(self, oid: str) -> Mapping[str, Blob]:
        """A folder's files: read once, as projects of one template share most of their folders."""
        known = _known_tree(oid)
        if not known:
            known.update(self.entries(oid))
        return known


@lru_cache(maxsize=4096)
def _known_tree(oid: str) -> dict[str, Blob]:  # noqa: ARG001  # filled by whoever has read it
    return {}


def parsed(raw: bytes, width: int) -> Iterator[tuple[str, str, str]]:
    """The mode, name and object of each entry of a tree, as git keeps it; `width` bytes name an object."""
    at = 0
    while at < len(raw):
        end = raw.find(b"\0", at)
        if end < 0 or end + width >= len(raw):
            raise MlopsError("The repository has a tree that is no tree.", "Is it damaged? Run: git fsck")
        mode, _, name = raw[at:end].partition(b" ")
        at = end + 1 + width
        yield mode.decode("latin-1"), os.fsdecode(name), raw[end + 1 : at].hex()


@lru_cache(maxsize=8192)
def oid_of(entry: Entry, longer: bool = False) -> str:
    """The name that git has for a file's content; by SHA-256 where `longer`."""
    return name_of(b"blob", entry.content, longer)


def name_of(kind: bytes, content: bytes, longer: bool = False) -> str:
    """The name that git has for an object."""
    digest = new("sha256" if longer else "sha1", kind + b" %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def mode_of(entry: Entry) -> str:
    """A file's mode, as git keeps it."""
    return "120000" if entry.symlink else "100755" if entry.executable else "100644"


@contextmanager
def reading(git_dir: Path) -> Iterator[Objects]:
    """The objects that a repository has, or borrows."""
    with conversation("cat-file", "--batch", git_dir=git_dir) as running:
        yield Objects(running)


def build_tree(entries: Entries, write: Callable[[bytes, bytes], str]) -> str:
    """The tree object of some files; `write` stores an object of a kind, and gives back its name."""
    folders: dict[str, dict[str, Blob]] = {}
    here: dict[bytes, tuple[str, str]] = {}
    for path, blob in entries.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = blob
        else:
            here[os.fsencode(name)] = blob.mode, blob.oid
    for name, below in folders.items():
        here[os.fsencode(name) + b"/"] = TREE, build_tree(below, write)  # git sorts a folder as if it ended so
    lines = (
        mode.encode() + b" " + name.removesuffix(b"/") + b"\0" + bytes.fromhex(oid)
        for name, (mode, oid) in sorted(here.items())
    )
    return write(b"tree", b"".join(lines))


def write_object(objects: Path, kind: bytes, content: bytes, longer: bool = False) -> str:
    """Keep an object in a repository of ours: whole, or not at all. Gives back its name."""
    oid = name_of(kind, content, longer)
    path = objects / oid[:2] / oid[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        beside = path.with_name(f"tmp_obj_{os.getpid()}")
        beside.write_bytes(zlib.compress(kind + b" %d\0" % len(content) + content, 1))
        beside.replace(path)
    return oid
