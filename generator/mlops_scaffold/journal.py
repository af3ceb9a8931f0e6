"""The record of an update: what a kill leaves behind, and what the next command takes back by it.

It is in the repository's own folder, one for each project, beside the files as they were and as they are to be.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.repository import Repository

APPLYING, DONE = "applying", "done"


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
    def state(self) -> str:
        """applying, done, or nothing."""
        return str(self.read()["state"]) if self.file.exists() else ""

    def read(self) -> dict[str, object]:
        """The record."""
        found: dict[str, object] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def write(self, record: dict[str, object]) -> None:
        """Replace the record, whole."""
        temporary = self.folder / "journal.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.file)

    def clear(self) -> None:
        """Forget it: the record first, since the rest means nothing without it."""
        self.file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def locked(repository: Repository) -> Iterator[Journal]:
    """The journal of a project, while no other update of it runs. Raises MlopsError where one does."""
    from filelock import FileLock, Timeout

    journal = Journal(repository)
    journal.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{journal.folder}.lock", timeout=0):
            yield journal
    except Timeout:
        raise MlopsError("Another update of this project is running.", "Wait until it has ended.") from None


def names(record: dict[str, object], key: str) -> list[str]:
    """A list of paths in the record."""
    found = record[key]
    return [str(name) for name in found] if isinstance(found, list) else []
