"""A place for git objects beside a repository: planning writes here, and the repository does not change.

Files are stored through the project's own attributes and line endings, as `git add` would. The index that git looks
at meanwhile is a copy, so nobody else's is touched.
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.vcs.git import git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob, Repository, parse_tree

WHO = {
    "GIT_AUTHOR_NAME": "mlops",
    "GIT_AUTHOR_EMAIL": "mlops@localhost",
    "GIT_COMMITTER_NAME": "mlops",
    "GIT_COMMITTER_EMAIL": "mlops@localhost",
}


@dataclass
class Scratch:
    """Objects and indexes in a temporary folder; the repository's own objects can be read through it."""

    repository: Repository
    folder: Path
    _stored: dict[tuple[str, Entry], Blob] = field(default_factory=dict)
    attributes: Mapping[str, Blob] = field(default_factory=dict)  # those that come in, beside the last commit's
    _seeded: bool = False

    def git(
        self, *arguments: str, given: bytes = b"", index: str = "index", fine: int = 0, work: Path | None = None
    ) -> bytes:
        """Run git on the repository with its writes going here."""
        work = work or self.folder / "work"
        env = {
            **WHO,
            "GIT_DIR": str(self.repository.git_dir),
            "GIT_WORK_TREE": str(work),
            "GIT_INDEX_FILE": str(self.folder / index),
            "GIT_OBJECT_DIRECTORY": str(self.folder / "objects"),
        }
        return git_bytes(*arguments, cwd=work, env=env, given=given, fine=fine)

    def store(self, files: Mapping[str, Entry]) -> dict[str, Blob]:
        """Files as blobs, by their paths in the project."""
        new = {path: entry for path, entry in files.items() if (path, entry) not in self._stored}
        through_git = {
            path: entry for path, entry in new.items() if not path.endswith(".gitattributes") and not entry.symlink
        }
        if through_git:
            self._add(through_git)
        for path in set(new) - set(through_git):
            # As they are: the attributes that count are the project's own, not the ones that come in.
            oid = self.hash(new[path].content)
            mode = "120000" if new[path].symlink else _mode(new[path])
            self._stored[path, new[path]] = Blob(mode, oid)
        return {path: self._stored[path, entry] for path, entry in files.items()}

    def _add(self, files: Mapping[str, Entry]) -> None:
        """`git add` of files in an index that knows the last commit, so that attributes and line endings are found."""
        if not self._seeded:
            self.git("read-tree", "HEAD", index="seed")
            prefixed = {self.repository.prefix + path: blob for path, blob in self.attributes.items()}
            self.git("update-index", "-z", "--index-info", given=index_info(prefixed), index="seed")
            self._seeded = True
        shutil.copyfile(self.folder / "seed", self.folder / "index")
        prefix = self.repository.prefix
        shutil.rmtree(self.folder / "work")
        for path, entry in files.items():
            target = self.folder / "work" / (prefix + path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(entry.content)
        names = b"\0".join(os.fsencode(prefix + path) for path in files)
        self.git("update-index", "--add", "--replace", "-z", "--stdin", given=names)
        for line in paths_in(self.git("ls-files", "--stage", "-z", "--full-name")):
            head, name = line.split("\t", 1)
            path = name.removeprefix(prefix)
            if name.startswith(prefix) and path in files:
                self._stored[path, files[path]] = Blob(_mode(files[path]), head.split()[1])

    def hash(self, content: bytes) -> str:
        """Store bytes as they are."""
        return self.git("hash-object", "-w", "--stdin", "--no-filters", given=content).decode().strip()

    def read(self, oid: str) -> bytes:
        """A blob's bytes as git keeps them."""
        return self.git("cat-file", "blob", oid)

    def as_added(self, blobs: Mapping[str, Blob]) -> dict[str, Blob]:
        """Files as they would be stored if they were added now, by the attributes that come in."""
        regular = {path: blob for path, blob in blobs.items() if blob.mode.startswith("100")}
        content = self.contents({blob.oid for blob in regular.values()})
        return self.store(
            {path: Entry(content[blob.oid], executable=blob.mode == "100755") for path, blob in regular.items()}
        )

    def contents(self, oids: Collection[str]) -> dict[str, bytes]:
        """The bytes of some blobs, as git keeps them."""
        if not oids:
            return {}
        said, found, at = self.git("cat-file", "--batch", given="\n".join(oids).encode()), {}, 0
        while at < len(said):
            end = said.index(b"\n", at)
            oid, _, size = said[at:end].decode().split()
            found[oid] = said[end + 1 : end + 1 + int(size)]
            at = end + int(size) + 2
        return found

    def tree(self, entries: Mapping[str, Blob]) -> str:
        """A tree object of blobs."""
        (self.folder / "fresh").unlink(missing_ok=True)
        self.git("update-index", "-z", "--index-info", given=index_info(entries), index="fresh")
        return self.git("write-tree", "--missing-ok", index="fresh").decode().strip()

    def commit(self, entries: Mapping[str, Blob], parent: str = "") -> str:
        """A commit of blobs, which merge-tree asks for."""
        options = ["-p", parent] if parent else []
        return self.git("commit-tree", self.tree(entries), *options, given=b"merge").decode().strip()

    def entries(self, tree: str) -> dict[str, Blob]:
        """The blobs of a tree."""
        return parse_tree(self.git("ls-tree", "-r", "-z", tree))

    def diff(self, before: str, after: str, *options: str) -> bytes:
        """What `git diff` says between two trees."""
        return self.git("diff-tree", "-r", "-p", "--find-renames", *options, before, after)

    def lay_out(self, entries: Mapping[str, Blob], folder: Path) -> None:
        """Write blobs to a folder, by the attributes that are among them."""
        folder.mkdir(parents=True)
        self.git("read-tree", self.tree(entries), index="laid-out")
        self.git("checkout-index", "--all", "--force", "--quiet", index="laid-out", work=folder)

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        """How many bytes some blobs have."""
        said = self.git("cat-file", "--batch-check=%(objectname) %(objectsize)", given="\n".join(oids).encode())
        return {oid: int(size) for oid, size in (line.split() for line in said.decode().splitlines())}

    def renamed(self, gone: Mapping[str, Blob], come: Mapping[str, Blob], alike: str) -> dict[str, str]:
        """Which of the files that are gone git finds among those that have come: the new name by the old one."""
        if not gone or not come:
            return {}
        options = ("-r", "-z", f"--find-renames={alike}", "-l7000", "--diff-filter=R", "--name-status")
        words = iter(paths_in(self.git("diff-tree", *options, self.tree(gone), self.tree(come))))
        pairs = [(next(words), next(words)) for _ in words]
        return {old: new for old, new in pairs if gone[old].mode.startswith("100")}

    def keep(self) -> None:
        """Bring the new objects into the repository: git writes them, so that they are flushed, and shared as it is."""
        found = (path.relative_to(self.folder / "objects") for path in (self.folder / "objects").glob("??/*"))
        names = "\n".join(sorted(path.parent.name + path.name for path in found))
        if names:
            pack = self.git("pack-objects", "--stdout", "--quiet", given=names.encode())
            git_bytes("unpack-objects", "-q", cwd=self.repository.top, given=pack)


def index_info(entries: Mapping[str, Blob]) -> bytes:
    """Files as `git update-index --index-info` reads them."""
    lines = (f"{blob.mode} {blob.oid}\t".encode() + os.fsencode(path) + b"\0" for path, blob in entries.items())
    return b"".join(lines)


@contextmanager
def scratch(repository: Repository) -> Iterator[Scratch]:
    """A scratch place that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mlops-merge-") as name:
        folder = Path(name)
        (folder / "work").mkdir()
        (folder / "objects/info").mkdir(parents=True)
        if "\n" in str(repository.objects):
            raise MlopsError("The repository's path has a line break in it.", "Move it elsewhere.")
        (folder / "objects/info/alternates").write_text(f"{repository.objects}\n", encoding="utf-8")
        yield Scratch(repository, folder)


def _mode(entry: Entry) -> str:
    return "100755" if entry.executable else "100644"
