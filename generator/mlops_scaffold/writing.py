"""Writing an update, so that a kill at any moment leaves the project as it was, or as it is to be.

Everything that will be written is laid out in the repository's own folder first, beside links to what is there now.
Then each file is put into place by a rename, and the index by one more. The journal says what belongs to what:
the next command takes an unfinished update back by it, and `mlops update --abort` a finished one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from mlops_scaffold import files, index, taking_back
from mlops_scaffold.errors import MlopsError
from mlops_scaffold.git import GitError, git, git_bytes
from mlops_scaffold.journal import APPLYING, DONE, Journal, names
from mlops_scaffold.repository import Blob

if TYPE_CHECKING:
    from mlops_scaffold.scratch import Scratch
    from mlops_scaffold.update import Plan

BACKUP = "refs/worktree/mlops/before-update"


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
            index.hold(repository, journal.folder / "index")
            try:
                check_index(journal, record)
                journal.write(record)
                put_in_place(journal, record)
                journal.write({**record, "state": DONE})
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
    with suppress(GitError):  # only a matter of speed
        git("update-index", "-q", "--refresh", cwd=repository.top)


@contextmanager
def one_more(journal: Journal, path: str) -> Iterator[None]:
    """Let another program write one more file of an update that is done: it is taken back with the others."""
    repository, record = journal.repository, journal.read()
    here = repository.folder / path
    before, after = (journal.folder / kind / repository.prefix / path for kind in ("before", "after"))
    if path not in names(record, "written"):
        before.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(here, before)  # no link: the program may write into the file that is there
        journal.write({**record, **{key: sorted({*names(record, key), path}) for key in ("written", "staged")}})
    yield
    after.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(here, after)
    git("add", "--", f"./{repository.prefix}{path}", cwd=repository.top)
    for mode, oid, number in map(str.split, index.entries(repository, repository.git_dir / "index", [path])[path]):
        index.stage(repository, journal.folder / "index", [(path, int(number), Blob(mode, oid))])


def lay_out(plan: "Plan", journal: Journal) -> dict[str, object]:
    """The files and the index as they will be, and links to what is there now. Nothing of the project is touched."""
    repository, touched = plan.repository, plan.touched
    (journal.folder / "after").mkdir(parents=True)
    (journal.folder / "before").mkdir()
    new = journal.folder / "index"
    current = repository.git_dir / "index"
    shutil.copyfile(current, new)
    written = {path: blob for path, blob in touched.items() if blob is not None}
    index.stage(repository, new, [(path, 0, blob) for path, blob in touched.items()])
    listed = b"".join(os.fsencode(repository.prefix + path) + b"\0" for path in written)
    git_bytes(
        *("checkout-index", "--force", f"--prefix={journal.folder / 'after'}/", "-z", "--stdin"),
        cwd=repository.top,
        env={"GIT_INDEX_FILE": str(new)},
        given=listed,
    )
    shutil.copyfile(current, new)
    merged = touched.keys() - plan.local - plan.conflicts.keys()
    entries = [(path, 0, touched[path]) for path in merged]
    entries += [(path, 0, None) for path in plan.conflicts]
    index.stage(repository, new, entries)
    conflicts = [(path, number, blob) for path, stages in plan.conflicts.items() for number, blob in stages.items()]
    index.stage(repository, new, conflicts)
    for path in touched:
        here = repository.folder / path
        if here.is_symlink() or here.is_file():
            files.link(here, journal.folder / "before" / repository.prefix / path)
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


def put_in_place(journal: Journal, record: dict[str, object]) -> None:
    """Rename each file into place, then the index."""
    repository = journal.repository
    for path in names(record, "removed"):
        check_unchanged(journal, path)
        (repository.folder / path).unlink(missing_ok=True)
        files.remove_empty_folders(repository, path)
    for path in names(record, "written"):
        check_unchanged(journal, path)
        files.replace(journal.folder / "after" / repository.prefix / path, repository.folder / path)
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
    if files.present(here) != files.present(before) or (files.present(here) and not files.same(here, before)):
        raise MlopsError(f"{path} was changed a moment ago.", "The project is as it was: run the command again.")
