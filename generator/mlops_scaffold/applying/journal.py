"""The record of an update: what a kill leaves behind, and what the next command takes back by it.

It is in the repository's own folder, one for each project, beside copies of the files as they were.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.vcs import files
from mlops_scaffold.vcs.repository import Repository
from mlops_scaffold.vcs.trust import is_trusted

APPLYING, DONE, UNREADABLE = "applying", "done", "unreadable"


@dataclass
class Record:
    """An update of a project, planned on the commit `head`.

    `before` and `after` are the fingerprints of each file that it writes; `staged` the paths that it sets in the index;
    `flags` those of them that git was told not to look at.
    """

    state: str
    head: str
    before: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str | None] = field(default_factory=dict)
    staged: list[str] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise TypeError for a record that no update has written: it may be anybody's."""
        paths = [*self.before, *self.after, *self.flags, *self.staged]
        if (
            not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", self.head)
            or any(map(fault, paths))
            or not {type(path) for path in paths} <= {str}
        ):
            raise TypeError("not a record of an update")


@dataclass(frozen=True)
class Journal:
    """The record of one update of one project, in its repository's folder."""

    repository: Repository

    @property
    def folder(self) -> Path:
        """Where the record is kept; each project of a repository has its own."""
        return self.repository.git_dir / "mlops" / sha256(self.repository.prefix.encode()).hexdigest()[:16]

    @property
    def file(self) -> Path:
        """The journal itself: what is in the folder counts only once this is there."""
        return self.folder / "journal.json"

    @property
    def index(self) -> Path:
        """The index as it is to be."""
        return self.folder / "index"

    def kept(self, path: str) -> Path:
        """The copy of a file as it was."""
        return self.folder / "before" / self.repository.prefix / path

    def made(self, path: str) -> Path:
        """A file as it is to be, until it is put into place."""
        return self.folder / "after" / self.repository.prefix / path

    def begin(self) -> None:
        """Make the folder; it says whose it is before anything else is in it."""
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        self.mark.touch()
        for kind in ("before", "after"):
            (self.folder / kind).mkdir(parents=True)
        (self.folder / "prefix").write_bytes(os.fsencode(self.repository.prefix))

    @property
    def state(self) -> str:
        """applying, done, unreadable, or nothing."""
        if not self.file.exists():
            return ""
        try:
            return self.read().state
        except MlopsError:
            return UNREADABLE

    def read(self) -> Record:
        """The record. Raises MlopsError where it is none: another version wrote it, or a disk lost it."""
        try:
            return Record(**json.loads(self.file.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise MlopsError(f"{self.file} cannot be read.", "Remove it.") from None

    def write(self, record: Record) -> None:
        """Replace the record, whole, once all that it speaks of is on the disk."""
        temporary = self.folder / "journal.new"
        temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
        files.flush([temporary])
        self.repository.share(temporary)
        temporary.replace(self.file)
        files.flush([self.folder])

    def clear(self) -> None:
        """Forget it: the record first, since the rest means nothing without it."""
        self.file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.mark.unlink(missing_ok=True)

    @property
    def mark(self) -> Path:
        """What says that an update was begun by this person on this machine. It is where no repository can put it."""
        return cache_dir() / "updates" / sha256(os.fsencode(self.folder.resolve())).hexdigest()[:32]

    @property
    def is_ours(self) -> bool:
        """Whether it may be acted on without a word: a repository may come with a record of anything."""
        return self.mark.is_file() or is_trusted(self.repository.folder)


def git_dir_of(top: Path) -> Path:
    """The folder of a repository's own, found without git: a linked work tree has a file that names it."""
    there = top / ".git"
    if there.is_dir():
        return there
    return top / there.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()


def unsettled(git_dir: Path) -> list[str]:
    """The prefixes of the projects whose last update was not brought to its end."""
    found = []
    for file in (git_dir / "mlops").glob("*/prefix"):
        prefix = os.fsdecode(file.read_bytes())
        if (prefix and fault(prefix)) or file.parent.is_symlink():
            continue
        if Journal(Repository(git_dir, git_dir, git_dir, prefix)).state != DONE:
            found.append(prefix)
    return found


@contextmanager
def locked(repository: Repository) -> Iterator[Journal]:
    """The journal of a project, while no other update of it runs. Raises MlopsError where one does."""
    from filelock import FileLock, Timeout

    journal = Journal(repository)
    for place in (journal.folder, journal.folder.parent):
        if place.is_symlink():
            raise MlopsError(f"{place} is a symlink: what an update keeps would be elsewhere.", "Remove it.")
    journal.folder.parent.mkdir(parents=True, exist_ok=True)
    repository.share(journal.folder.parent)
    try:
        with FileLock(f"{journal.folder}.lock", timeout=0, mode=repository.lock_mode):
            yield journal
    except Timeout:
        raise MlopsError("Another update of this project is running.", "Wait until it has ended.") from None
