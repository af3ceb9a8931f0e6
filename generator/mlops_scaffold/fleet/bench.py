"""A repository of ours in a temporary folder, on which the updates of other repositories are planned.

It borrows the objects of the repository in turn and keeps what planning makes. Its work tree holds that project's
.gitignore and .gitattributes alone, which git asks of a work tree.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mlops_scaffold.fleet.objects import Objects, Origin, build_tree, mode_of, name_of, oid_of, reading, write_object
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.vcs.git import git
from mlops_scaffold.vcs.repository import Blob, Entries, Repository
from mlops_scaffold.vcs.scratch import Scratch

ASKED = (".gitignore", ".gitattributes")


@dataclass(frozen=True)
class BorrowedRepository(Repository):
    """One project of another repository, as planning sees it: its commit, and nothing on disk."""

    commit: str = ""
    files: Entries = field(default_factory=dict)

    def head(self) -> str:
        """The commit that the project is updated on."""
        return self.commit

    def entries_of(self, commit: str) -> dict[str, Blob]:  # noqa: ARG002  # there is one
        """The project's files in it."""
        return dict(self.files)


@dataclass
class BorrowingScratch(Scratch):
    """A scratch place whose objects are in memory until git is to see them."""

    objects: Objects = field(kw_only=True)
    longer: bool = False
    made: dict[str, bytes] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def store(self, files: Mapping[str, Entry]) -> dict[str, Blob]:
        """Files as blobs. Line ends are as they are rendered: see `needs_git`."""
        found = {}
        for path, entry in files.items():
            found[path] = Blob(mode_of(entry), oid_of(entry, self.longer))
            self.made[found[path].oid] = entry.content
        return found

    def hash(self, content: bytes) -> str:
        """Store bytes as they are."""
        oid = name_of(b"blob", content, self.longer)
        self.made[oid] = content
        return oid

    def read(self, oid: str) -> bytes:
        """A blob's bytes."""
        return self.made[oid] if oid in self.made else self.objects.blob(oid)

    def contents(self, oids: Collection[str]) -> dict[str, bytes]:
        """The bytes of some blobs."""
        return {oid: self.read(oid) for oid in oids}

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        """How many bytes some blobs have."""
        return {oid: len(self.read(oid)) for oid in oids}

    def entries(self, tree: str) -> dict[str, Blob]:
        """The blobs of a tree."""
        return self.objects.entries(tree)

    def tree(self, entries: Mapping[str, Blob]) -> str:
        """A tree object of blobs, for git to see."""
        for blob in entries.values():
            if blob.oid in self.made and blob.oid not in self.written:
                self.written.add(self.write(b"blob", self.made[blob.oid]))
        return build_tree(entries, self.write)

    def commit(self, entries: Mapping[str, Blob], parent: str = "") -> str:
        """A commit of blobs, for git to see."""
        lines = [f"tree {self.tree(entries)}", *([f"parent {parent}"] if parent else [])]
        lines += [f"{role} mlops <mlops@localhost> 0 +0000" for role in ("author", "committer")]
        return self.write(b"commit", "\n".join((*lines, "", "merge")).encode())

    def write(self, kind: bytes, content: bytes) -> str:
        """Write an object to the disk."""
        return write_object(self.repository.objects, kind, content, self.longer)


@dataclass
class Bench:
    """The repository on which updates are planned, one project at a time."""

    folder: Path
    hashes: str
    written: set[str] = field(default_factory=set)

    @cached_property
    def top(self) -> Path:
        """Its work tree."""
        top = self.folder / self.hashes
        git("init", "--quiet", f"--object-format={self.hashes}", str(top))
        return top

    @contextmanager
    def borrow(self, origin: Origin) -> Iterator[Objects]:
        """Read the objects of a repository."""
        if "\n" in str(origin.objects):
            raise MlopsError("The repository's path has a line break in it.", "Move it elsewhere.")
        (self.top / ".git/objects/info/alternates").write_text(f"{origin.objects}\n", encoding="utf-8")
        with reading(self.top / ".git") as objects:
            yield objects

    @contextmanager
    def scratch(self, objects: Objects, commit: str, files: Entries, prefix: str = "") -> Iterator[BorrowingScratch]:
        """A place to plan an update of the project in the folder `prefix` of a repository, whose `files` these are."""
        laid = {path: blob for path, blob in files.items() if path.rpartition("/")[2] in ASKED and is_laid(path, blob)}
        for path, blob in laid.items():
            target = self.top / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(objects.blob(blob.oid))
        git_dir = self.top / ".git"
        own = {path.removeprefix(prefix): blob for path, blob in files.items() if path.startswith(prefix)}
        repository = BorrowedRepository(self.top, git_dir, git_dir / "objects", prefix, commit, own)
        longer = self.hashes == "sha256"
        try:
            with tempfile.TemporaryDirectory(prefix="mlops-merge-") as name:
                folder = Path(name)
                (folder / "work").mkdir()
                (folder / "objects").symlink_to(repository.objects)
                yield BorrowingScratch(repository, folder, objects=objects, longer=longer, written=self.written)
        finally:
            for path in laid:
                (self.top / path).unlink(missing_ok=True)


def is_laid(path: str, blob: Blob) -> bool:
    """Whether a file of somebody else's tree is a regular one, and within it."""
    return blob.mode.startswith("100") and not fault(path)


@dataclass
class Benches:
    """A bench for each kind of hash."""

    folder: Path
    _made: dict[str, Bench] = field(default_factory=dict)

    def for_names_like(self, oid: str) -> Bench:
        """The bench for a repository whose objects have names as long as this one."""
        hashes = "sha256" if len(oid) == 64 else "sha1"
        return self._made.setdefault(hashes, Bench(self.folder, hashes))


@contextmanager
def benches() -> Iterator[Benches]:
    """Benches that are removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mlops-fleet-") as name:
        yield Benches(Path(name))
