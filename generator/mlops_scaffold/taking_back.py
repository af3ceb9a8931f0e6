"""Taking an update back: one that was cut off, by the next command; a finished one, by `mlops update --abort`."""

from contextlib import suppress
from datetime import datetime

from mlops_scaffold import files, index
from mlops_scaffold.errors import MlopsError
from mlops_scaffold.git import GitError, git, git_bytes
from mlops_scaffold.journal import APPLYING, Journal, locked, names
from mlops_scaffold.repository import Repository, parse_tree


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
            forget(journal)
    return ""


def forget(journal: Journal) -> None:
    """Leave nothing of an update that has written nothing, or is taken back: git's lock first, if it is ours."""
    index.release(journal.repository, journal.folder / "index")
    journal.clear()


def abort(repository: Repository) -> list[str]:
    """Take a finished update back; what was edited since is kept aside. Gives back lines to tell. Raises MlopsError."""
    with locked(repository) as journal:
        if not journal.state:
            raise MlopsError("There is no update to take back.", "A committed one: git revert COMMIT")
        record = journal.read()
        if git("rev-parse", "HEAD", cwd=repository.top) != record["head"]:
            raise MlopsError("The update is in a commit already.", "Take that back: git revert COMMIT")
        lines = []
        apart = f"{datetime.now():%Y%m%dT%H%M%S}-{journal.folder.name[:8]}"
        for path in names(record, "written"):
            here = repository.folder / path
            copies = [journal.folder / kind / repository.prefix / path for kind in ("before", "after")]
            if files.present(here) and not any(files.same(here, copy) for copy in copies):
                aside = repository.git_dir / "mlops" / "aborted" / apart / path
                files.replace(here, aside)
                here.unlink()
                if files.present(copies[0]):
                    files.replace(copies[0], here)
                lines.append(f"{path} was edited since: that version is in {aside}")
        take_back(journal)
        journal.clear()
        return lines


def take_back(journal: Journal) -> list[str]:
    """Bring back what was there. A file that somebody has edited since is left alone; gives back their names."""
    repository, record = journal.repository, journal.read()
    index.release(journal.repository, journal.folder / "index")
    edited = []
    for path in names(record, "written"):
        if not undo(journal, path):
            edited.append(path)
    for path in names(record, "removed"):
        if not (repository.folder / path).exists() and not (repository.folder / path).is_symlink():
            files.replace(journal.folder / "before" / repository.prefix / path, repository.folder / path)
    restore_index(repository, journal, record)
    return edited


def undo(journal: Journal, path: str) -> bool:
    """Take one written file back; False where it is neither what was written nor what was there before."""
    repository = journal.repository
    here = repository.folder / path
    before, after = (journal.folder / kind / repository.prefix / path for kind in ("before", "after"))
    for leftover in here.parent.glob(".mlops-*.tmp") if here.parent.is_dir() else ():
        leftover.unlink()
    if files.same(here, before):
        return True
    if not files.same(here, after):
        # Not there at all: the update had not come to it, or a person removed it.
        files.remove_empty_folders(repository, path)
        return not files.present(here) and not files.present(before)
    if files.present(before):
        files.replace(before, here)
    else:
        here.unlink()
        files.remove_empty_folders(repository, path)
    return True


def restore_index(repository: Repository, journal: Journal, record: dict[str, object]) -> None:
    """Set the entries that the update has set back to the last commit's; those that are something else stay."""
    paths = names(record, "staged")
    theirs = index.entries(repository, journal.folder / "index", paths)
    here = index.entries(repository, repository.git_dir / "index", paths)
    changed = [path for path in paths if here.get(path) == theirs.get(path)]
    listing = git_bytes("ls-tree", "-r", "-z", "--full-tree", str(record["head"]), cwd=repository.top)
    head = {name.removeprefix(repository.prefix): blob for name, blob in parse_tree(listing).items()}
    current = repository.git_dir / "index"
    index.stage(repository, current, [(path, 0, None) for path in changed])
    index.stage(repository, current, [(path, 0, head[path]) for path in changed if path in head])
    with suppress(GitError):
        git("update-index", "-q", "--refresh", cwd=repository.top)


def told(edited: list[str]) -> str:
    """What to add about files that were left alone."""
    return f" Left alone, as somebody has edited them: {', '.join(edited)}." if edited else ""
