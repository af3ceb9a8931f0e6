"""Writing an update, so that a kill at any moment leaves the project as it was, or as it is to be.

Everything that will be written is laid out in the repository's own folder first, beside links to what is there now.
Then each file is put into place by a rename, and the index by one more. A journal says what belongs to what:
the next command takes an unfinished update back by it, and `mlops update --abort` a finished one.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.git import GitError, git, git_bytes, paths_in
from mlops_scaffold.repository import Blob, Repository

if TYPE_CHECKING:
    from mlops_scaffold.scratch import Scratch
    from mlops_scaffold.update import Plan

BACKUP = "refs/worktree/mlops/before-update"
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


def recover(repository: Repository) -> str:
    """Take back an update that was cut off. Gives back what to tell; nothing where there was none."""
    if not Journal(repository).folder.exists():
        return ""
    with locked(repository) as journal:
        if journal.state == APPLYING:
            edited = take_back(journal)
            journal.clear()
            return "An update that was cut off has been taken back." + told(edited)
        if not journal.state:
            release_index(journal)
            journal.clear()
    return ""


# --- forwards --------------------------------------------------------------------------------------------------------


def apply(plan: "Plan", scratch: "Scratch", journal: Journal) -> None:
    """Write a plan. Raises MlopsError, with the project as it was, where something cannot be written."""
    from filelock import FileLock

    repository = plan.repository
    try:
        # Projects of one repository share its index: one after the other.
        with FileLock(repository.git_dir / "mlops" / "index.lock"):
            journal.clear()
            scratch.keep()
            record = lay_out(plan, journal)
            repository.require_clean()
            git("update-ref", BACKUP, "HEAD", cwd=repository.top)
            hold_index(journal)
            try:
                check_index(journal, record)
                journal.write(record)
                put_in_place(journal, record)
            except BaseException:
                if journal.state:
                    take_back(journal)
                release_index(journal)
                raise
            journal.write({**record, "state": DONE})
    except BaseException as error:
        if journal.state != DONE:
            journal.clear()
        if not isinstance(error, OSError):
            raise
        where = error.filename or repository.folder
        raise MlopsError(f"{where} cannot be written: {error.strerror}.", "The project is as it was.") from None
    with suppress(GitError):  # only a matter of speed
        git("update-index", "-q", "--refresh", cwd=repository.top)


def lay_out(plan: "Plan", journal: Journal) -> dict[str, object]:
    """The files and the index as they will be, and links to what is there now. Nothing of the project is touched."""
    repository, touched = plan.repository, plan.touched
    (journal.folder / "after").mkdir(parents=True)
    (journal.folder / "before").mkdir()
    index = journal.folder / "index"
    current = repository.git_dir / "index"
    shutil.copyfile(current, index)
    written = {path: blob for path, blob in touched.items() if blob is not None}
    stage(repository, index, [(path, 0, blob) for path, blob in touched.items()])
    names = b"".join(os.fsencode(repository.prefix + path) + b"\0" for path in written)
    git_bytes(
        *("checkout-index", "--force", f"--prefix={journal.folder / 'after'}/", "-z", "--stdin"),
        cwd=repository.top,
        env={"GIT_INDEX_FILE": str(index)},
        given=names,
    )
    shutil.copyfile(current, index)
    merged = touched.keys() - plan.local - plan.conflicts.keys()
    entries = [(path, 0, touched[path]) for path in merged]
    entries += [(path, 0, None) for path in plan.conflicts]
    stage(repository, index, entries)
    conflicts = [(path, number, blob) for path, stages in plan.conflicts.items() for number, blob in stages.items()]
    stage(repository, index, conflicts)
    for path in touched:
        here = repository.folder / path
        if here.is_symlink() or here.is_file():
            _link(here, journal.folder / "before" / repository.prefix / path)
    return {
        "state": APPLYING,
        "head": git("rev-parse", "HEAD", cwd=repository.top),
        "index": sha256(current.read_bytes()).hexdigest(),
        "from": plan.older.name,
        "to": plan.newer.name,
        "written": sorted(written),
        "removed": sorted(set(touched) - set(written)),
        "staged": sorted({*touched, *plan.conflicts} - plan.local),
    }


def stage(repository: Repository, index: Path, entries: Sequence[tuple[str, int, Blob | None]]) -> None:
    """Set entries of an index: (path, stage, blob), or no blob for none."""
    lines = []
    # What goes, goes first: a file may become a folder, and the reverse.
    for path, number, blob in sorted(entries, key=lambda entry: entry[2] is not None):
        mode, oid = (blob.mode, blob.oid) if blob else ("0", "0" * 40)
        lines.append(f"{mode} {oid} {number}\t".encode() + os.fsencode(repository.prefix + path) + b"\0")
    if lines:
        env = {"GIT_INDEX_FILE": str(index)}
        git_bytes("update-index", "-z", "--index-info", cwd=repository.top, env=env, given=b"".join(lines))


def put_in_place(journal: Journal, record: dict[str, object]) -> None:
    """Rename each file into place, then the index."""
    repository = journal.repository
    for path in names(record, "removed"):
        check_unchanged(journal, path)
        (repository.folder / path).unlink(missing_ok=True)
        remove_empty_folders(repository, path)
    for path in names(record, "written"):
        check_unchanged(journal, path)
        replace(journal.folder / "after" / repository.prefix / path, repository.folder / path)
    (repository.git_dir / "index.lock").replace(repository.git_dir / "index")


def check_index(journal: Journal, record: dict[str, object]) -> None:
    """Raise where the index is not the one that the plan was made on."""
    if sha256((journal.repository.git_dir / "index").read_bytes()).hexdigest() != record["index"]:
        raise MlopsError("Another program has changed the repository's index.", "Run the command again.")


def check_unchanged(journal: Journal, path: str) -> None:
    """Raise where a file is not the one that the plan was made on: somebody has saved it a moment ago."""
    here, before = (
        journal.repository.folder / path,
        journal.folder / "before" / journal.repository.prefix / path,
    )
    if present(here) != present(before) or (present(here) and not same(here, before)):
        raise MlopsError(f"{path} was changed a moment ago.", "The project is as it was: run the command again.")


def hold_index(journal: Journal) -> None:
    """Take git's own lock of the index, with the new index in it. Raises MlopsError where another program holds it."""
    lock = journal.repository.git_dir / "index.lock"
    try:
        os.link(journal.folder / "index", lock)
    except FileExistsError:
        raise MlopsError(
            "Another git command is running in this repository.", f"Wait until it has ended (it holds {lock})."
        ) from None


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


# --- backwards -------------------------------------------------------------------------------------------------------


def take_back(journal: Journal) -> list[str]:
    """Bring back what was there. A file that somebody has edited since is left alone; gives back their names."""
    repository, record = journal.repository, journal.read()
    release_index(journal)
    edited = []
    for path in names(record, "written"):
        if not undo(journal, path):
            edited.append(path)
    for path in names(record, "removed"):
        if not (repository.folder / path).exists() and not (repository.folder / path).is_symlink():
            replace(journal.folder / "before" / repository.prefix / path, repository.folder / path)
    restore_index(repository, journal, record)
    return edited


def undo(journal: Journal, path: str) -> bool:
    """Take one written file back; False where it is neither what was written nor what was there before."""
    repository = journal.repository
    here = repository.folder / path
    before, after = (journal.folder / kind / repository.prefix / path for kind in ("before", "after"))
    for leftover in here.parent.glob(".mlops-*.tmp") if here.parent.is_dir() else ():
        leftover.unlink()
    if same(here, before):
        return True
    if not same(here, after):
        # Not there at all: the update had not come to it, or a person removed it.
        remove_empty_folders(repository, path)
        return not present(here) and not present(before)
    if present(before):
        replace(before, here)
    else:
        here.unlink()
        remove_empty_folders(repository, path)
    return True


def restore_index(repository: Repository, journal: Journal, record: dict[str, object]) -> None:
    """Set the entries that the update has set back to the last commit's; those that are something else stay."""
    paths = names(record, "staged")
    theirs = _entries(repository, journal.folder / "index", paths)
    here = _entries(repository, repository.git_dir / "index", paths)
    changed = [path for path in paths if here.get(path) == theirs.get(path)]
    listing = git_bytes("ls-tree", "-r", "-z", "--full-tree", str(record["head"]), cwd=repository.top)
    head = {}
    for line in paths_in(listing):
        info, name = line.split("\t", 1)
        mode, _, oid = info.split()
        head[name.removeprefix(repository.prefix)] = Blob(mode, oid)
    index = repository.git_dir / "index"
    stage(repository, index, [(path, 0, None) for path in changed])
    stage(repository, index, [(path, 0, head[path]) for path in changed if path in head])
    with suppress(GitError):
        git("update-index", "-q", "--refresh", cwd=repository.top)


def _entries(repository: Repository, index: Path, paths: list[str]) -> dict[str, list[str]]:
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


def release_index(journal: Journal) -> None:
    """Remove git's lock of the index, if it is ours."""
    lock = journal.repository.git_dir / "index.lock"
    with suppress(OSError):
        if lock.samefile(journal.folder / "index"):
            lock.unlink()


def abort(repository: Repository) -> list[str]:
    """Take a finished update back; what was edited since is kept aside. Gives back lines to tell. Raises MlopsError."""
    with locked(repository) as journal:
        if not journal.state:
            raise MlopsError("There is no update to take back.", "A committed one: git revert COMMIT")
        record = journal.read()
        if git("rev-parse", "HEAD", cwd=repository.top) != record["head"]:
            raise MlopsError("The update is in a commit already.", "Take that back: git revert COMMIT")
        lines = []
        for path in names(record, "written"):
            here = repository.folder / path
            copies = [journal.folder / kind / repository.prefix / path for kind in ("before", "after")]
            if present(here) and not any(same(here, copy) for copy in copies):
                aside = repository.git_dir / "mlops" / "aborted" / path
                replace(here, aside)
                here.unlink()
                if present(copies[0]):
                    replace(copies[0], here)
                lines.append(f"{path} was edited since: that version is in {aside}")
        take_back(journal)
        journal.clear()
        return lines


# --- files -----------------------------------------------------------------------------------------------------------


def names(record: dict[str, object], key: str) -> list[str]:
    """A list of paths in the record."""
    found = record[key]
    return [str(name) for name in found] if isinstance(found, list) else []


def present(path: Path) -> bool:
    """Whether there is a file or a link."""
    return path.is_symlink() or path.is_file()


def same(one: Path, other: Path) -> bool:
    """Whether two paths are the same kind of file with the same bytes."""
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if not one.is_file() or not other.is_file():
        return False
    executable = [bool(path.stat().st_mode & 0o100) for path in (one, other)]
    return executable[0] == executable[1] and one.read_bytes() == other.read_bytes()


def remove_empty_folders(repository: Repository, path: str) -> None:
    """Remove the folders that a removed file leaves empty, as git does."""
    for parent in list(PurePosixPath(path).parents)[:-1]:
        try:
            (repository.folder / parent).rmdir()
        except OSError:
            return


def told(edited: list[str]) -> str:
    """What to add about files that were left alone."""
    return f" Left alone, as somebody has edited them: {', '.join(edited)}." if edited else ""


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)


def _remove_empty_tree(folder: Path) -> None:
    for child in sorted(folder.rglob("*"), reverse=True):
        child.rmdir()
    folder.rmdir()
