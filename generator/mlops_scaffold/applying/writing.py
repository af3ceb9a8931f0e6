"""Writing an update, so that a kill at any moment leaves the project as it was, or as it is to be.

All that will be written is laid out in the repository's own folder first, beside copies of what is there now, and
flushed to the disk. The journal names both by their content. Then each file is compared once more and put into place
by a rename, and the index by one more. The next command takes an unfinished update back, `mlops update --abort` a
finished one.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlops_scaffold.applying import index, taking_back
from mlops_scaffold.applying.journal import APPLYING, DONE, Journal, Record
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import is_below_link
from mlops_scaffold.vcs import files
from mlops_scaffold.vcs.git import git, git_bytes

if TYPE_CHECKING:
    from mlops_scaffold.planning.planned import Plan
    from mlops_scaffold.vcs.scratch import Scratch

BACKUP = "refs/worktree/mlops/before-update"


def apply(plan: "Plan", scratch: "Scratch", journal: Journal, finish: Callable[[], None] = lambda: None) -> None:
    """Write a plan; `finish` is a last step, which belongs to it.

    Raises MlopsError, with the project as it was, where something cannot be written.
    """
    from filelock import FileLock

    repository = plan.repository
    try:
        # Projects of one repository share its index: one after the other.
        with FileLock(repository.git_dir / "mlops" / "index.lock", mode=repository.lock_mode):
            journal.clear()
            scratch.keep()
            planned_on = index.digest(repository)
            record = lay_out(plan, journal)
            git("update-ref", BACKUP, record.head, cwd=repository.top)
            index.hold(repository, journal.index)
            try:
                require_as_planned(plan, record, planned_on)
                journal.write(record)
                put_in_place(journal, record)
                finish()
                record.state = DONE
                journal.write(record)
            except BaseException:
                if journal.state:
                    taking_back.take_back(journal)  # where even this fails, the record stays for the next command
                taking_back.forget(journal)
                raise
    except BaseException as error:
        if not journal.state:
            taking_back.forget(journal)
        if not isinstance(error, OSError):
            raise
        where = error.filename or repository.folder
        then = "The project is as it was." if not journal.state else "The next mlops command takes back what was begun."
        raise MlopsError(f"{where} cannot be written: {error.strerror}.", then) from None
    index.refresh(repository)


def lay_out(plan: "Plan", journal: Journal) -> Record:
    """The files and the index as they will be, and copies of what is there now. Nothing of the project is touched."""
    repository, touched = plan.repository, plan.touched
    flags = {path: flag for path, flag in repository.flags().items() if path in touched}
    outside = {path for path in flags if not files.present(repository.folder / path)} - plan.conflicts.keys()
    here = [path for path in touched if path not in plan.there | outside]
    journal.begin()
    record = Record(APPLYING, plan.head, flags=flags, staged=sorted({*touched, *plan.conflicts} - plan.local))
    check_out(plan, journal, [path for path in here if touched[path]])
    shutil.copyfile(repository.git_dir / "index", journal.index)
    clean = touched.keys() - plan.local - plan.conflicts.keys()
    index.stage(repository, journal.index, [(path, 0, touched[path]) for path in clean])
    index.stage(repository, journal.index, [(path, 0, None) for path in plan.conflicts])
    stages = [(path, number, blob) for path, found in plan.conflicts.items() for number, blob in found.items()]
    index.stage(repository, journal.index, stages)
    index.flag(
        repository, journal.index, {path: flag for path, flag in flags.items() if path in clean & set(plan.result)}
    )
    for path in here:
        there = files.present(repository.folder / path)
        if there:
            files.copy(repository.folder / path, journal.kept(path))
        record.before[path] = files.fingerprint(journal.kept(path)) if there else None
        record.after[path] = files.fingerprint(journal.made(path)) if touched[path] else None
    repository.share(journal.folder)
    files.flush(journal.folder.rglob("*"))
    return record


def check_out(plan: "Plan", journal: Journal, paths: list[str]) -> None:
    """Files as git would put them on the disk, by the attributes that they come with."""
    repository, everything = plan.repository, journal.folder / "everything"
    shutil.copyfile(repository.git_dir / "index", everything)
    index.stage(repository, everything, [(path, 0, blob) for path, blob in plan.touched.items()])
    where = {
        "GIT_DIR": str(repository.git_dir),
        "GIT_WORK_TREE": str(journal.folder / "after"),
        "GIT_INDEX_FILE": str(everything),
    }
    listed = b"".join(os.fsencode(repository.prefix + path) + b"\0" for path in paths)
    git_bytes("checkout-index", "--force", "-z", "--stdin", cwd=journal.folder / "after", env=where, given=listed)
    everything.unlink()


def require_as_planned(plan: "Plan", record: Record, planned_on: str) -> None:
    """Raise where the last commit, the index or a file is not the one that the plan was made on."""
    repository = plan.repository
    record.head = repository.head()
    if record.head != plan.head and repository.entries_of(record.head) != repository.entries_of(plan.head):
        raise MlopsError("Somebody has committed a moment ago.", "Nothing was changed: run the command again.")
    if index.digest(repository) != planned_on:
        raise MlopsError("Another program has changed the repository's index.", "Run the command again.")
    repository.require_clean()


def put_in_place(journal: Journal, record: Record) -> None:
    """Rename each file into place, then the index."""
    repository = journal.repository
    going = [path for path, after in record.after.items() if after is None]
    for path in going:
        check_unchanged(journal, record, path)
        (repository.folder / path).unlink(missing_ok=True)
        files.remove_empty_folders(repository, path)
    written = [path for path in record.after if path not in going]
    for path in written:
        here = repository.folder / path
        beside = files.bring(journal.made(path), here)
        check_unchanged(journal, record, path)
        files.replace(beside, here)
    files.flush({(repository.folder / path).parent for path in written})
    if repository.head() != record.head:
        raise MlopsError("Somebody has committed a moment ago.", "The project is as it was: run the command again.")
    (repository.git_dir / "index.lock").replace(repository.git_dir / "index")
    files.flush([repository.git_dir])


def check_unchanged(journal: Journal, record: Record, path: str) -> None:
    """Raise where a file is not the one that the plan was made on: somebody has saved it a moment ago."""
    folder = journal.repository.folder
    if is_below_link(folder, path) or files.fingerprint(folder / path) != record.before[path]:
        raise MlopsError(f"{path} was changed a moment ago.", "The project is as it was: run the command again.")


@contextmanager
def one_more(journal: Journal, path: str) -> Iterator[None]:
    """Let another program write one more file of an update that is done: it is taken back with the others."""
    repository, record = journal.repository, journal.read()
    here = repository.folder / path
    if path not in record.before:
        files.copy(here, journal.kept(path))
        files.flush([journal.kept(path)])
        record.before[path] = record.after[path] = files.fingerprint(here)
        record.staged = sorted({*record.staged, path})
        journal.write(record)
    yield
    record.after[path] = files.fingerprint(here)
    journal.write(record)


def settle(journal: Journal, path: str) -> None:
    """Stage a file that another program has written."""
    repository = journal.repository
    git("add", "--", f"./{repository.prefix}{path}", cwd=repository.top)
