"""Taking an update back: one that was cut off, by the next command; a finished one, by `mlops update --abort`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mlops_scaffold.applying import index
from mlops_scaffold.applying.journal import APPLYING, DONE, UNREADABLE, Journal, Record, locked
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import is_below_link
from mlops_scaffold.vcs import files
from mlops_scaffold.vcs.git import git_bytes
from mlops_scaffold.vcs.repository import Blob, Repository

FOREIGN = "An update of this project was cut off, and it was not begun by you on this machine."
TAKE_BACK = "Take it back, if you trust the project: mlops update --abort"


def refuse_foreign(repository: Repository) -> None:
    """Raise where somebody else's update was cut off: another one would write over what it keeps."""
    found = Journal(repository)
    if found.state in (APPLYING, UNREADABLE) and not found.is_ours:
        raise MlopsError(FOREIGN, TAKE_BACK)


def recover(repository: Repository, asked: bool = False) -> str:
    """Take back an update that was cut off. Gives back what to tell; nothing where there was none.

    One that this person has not begun here is taken back where that is asked for.
    """
    found = Journal(repository)
    state = found.state
    if state == DONE or not found.folder.exists():
        return ""
    if not asked and not found.is_ours:
        return f"{FOREIGN} {TAKE_BACK}" if state else ""
    try:
        with locked(repository) as journal:
            return settle(journal)
    except MlopsError:
        if state == APPLYING:
            raise
        return ""  # another update runs, and has written nothing yet


def settle(journal: Journal) -> str:
    """Leave a project without anything of an update that was cut off."""
    state = journal.state
    if state == APPLYING:
        lines = take_back(journal)
        journal.clear()
        return " ".join(["An update that was cut off has been taken back.", *lines])
    if state == UNREADABLE:
        index.release(journal.repository, journal.index)
        aside = aside_of(journal).with_name(f"unreadable-{aside_of(journal).name}")
        aside.parent.mkdir(parents=True, exist_ok=True)
        journal.folder.rename(aside)
        return f"The record of the last update cannot be read. What it kept is in {aside}: look at git status."
    if not state:
        forget(journal)
    return ""


def forget(journal: Journal) -> None:
    """Leave nothing of an update that has written nothing, or is taken back: git's lock first, if it is ours."""
    index.release(journal.repository, journal.index)
    journal.clear()


def abort(repository: Repository) -> list[str]:
    """Take a finished update back; what was edited since is kept aside. Gives back lines to tell. Raises MlopsError."""
    with locked(repository) as journal:
        if journal.state != DONE:
            raise MlopsError("There is no update to take back.", "A committed one: git revert COMMIT")
        record = journal.read()
        then, now = repository.entries_of(record.head), repository.entries_of(repository.head())
        if any(then.get(path) != now.get(path) for path in record.staged):
            raise MlopsError("The update is in a commit already.", "Take that back: git revert COMMIT")
        lines = take_back(journal, asked=True)
        journal.clear()
        return lines


def take_back(journal: Journal, asked: bool = False) -> list[str]:
    """Bring back what was there. Gives back what to tell of the files that somebody has edited since.

    Where it was `asked` for, such a file is put aside. Otherwise it stays, and what was there before is put aside.
    A file that is in another commit by now is left alone.
    """
    repository, record = journal.repository, journal.read()
    index.release(repository, journal.index)
    then, now = repository.entries_of(record.head), repository.entries_of(repository.head())
    back = TakingBack(journal, record, aside_of(journal), asked)
    valid = [path for path in record.before if then.get(path) == now.get(path)]
    # What goes, goes first: it may be in the way.
    for path in sorted(valid, key=lambda name: record.before[name] is not None):
        files.sweep((repository.folder / path).parent)
        back.undo(path)
    back.restore_index(then, [path for path in record.staged if then.get(path) == now.get(path)])
    files.flush({(repository.folder / path).parent for path in valid if record.before[path]})
    return back.lines


def aside_of(journal: Journal) -> Path:
    """A new place for what must not be lost."""
    stamp = f"{datetime.now():%Y%m%dT%H%M%S%f}-{journal.folder.name[:8]}"
    return journal.repository.git_dir / "mlops" / "aborted" / stamp


@dataclass
class TakingBack:
    """One update that is taken back."""

    journal: Journal
    record: Record
    aside: Path
    asked: bool
    lines: list[str] = field(default_factory=list)

    def undo(self, path: str) -> None:
        """Take one file back."""
        folder = self.journal.repository.folder
        here, behind_link = folder / path, is_below_link(folder, path)
        before, after, now = self.record.before[path], self.record.after[path], files.fingerprint(here)
        if behind_link:
            self.lines.append(f"Left alone, as its folder is a link now: {path}{self._save(path)}.")
        elif now == before:
            files.remove_empty_folders(self.journal.repository, path)
        elif now in (after, None) or self._lost_by_the_disk(now, before, after):
            self._put_back(path)
        elif self.asked and now != files.FOLDER:
            files.copy(here, self.aside / path)
            files.flush([self.aside / path])
            self._put_back(path)
            self.lines.append(f"{path} was edited since: that version is in {self.aside / path}")
        else:
            self.lines.append(f"Left alone, as somebody has edited it: {path}{self._save(path)}.")

    @staticmethod
    def _lost_by_the_disk(now: str | None, before: str | None, after: str | None) -> bool:
        """Whether a file is empty, and never was: no words of anybody's are in it."""
        return str(now).endswith(files.EMPTY) and not any(str(one).endswith(files.EMPTY) for one in (before, after))

    def _put_back(self, path: str) -> None:
        repository, kept = self.journal.repository, self.journal.kept(path)
        here = repository.folder / path
        if self.record.before[path] is None:
            here.unlink(missing_ok=True)
            files.remove_empty_folders(repository, path)
        elif files.present(kept):
            files.replace(files.bring(kept, here, keep=True), here)
        else:
            self.lines.append(f"{path} could not be brought back. Run: git checkout HEAD -- {path}")

    def _save(self, path: str) -> str:
        """Keep what was there before, for a file that stays as somebody has edited it. Says where."""
        if not files.present(self.journal.kept(path)):
            return ""
        files.copy(self.journal.kept(path), self.aside / path)
        files.flush([self.aside / path])
        return f" (as it was before: {self.aside / path})"

    def _keep_staged(
        self, here: Mapping[str, list[str]], ours: Mapping[str, list[str]], head: Mapping[str, Blob]
    ) -> None:
        """Put aside what somebody has staged since, and has nowhere else."""
        for path, entries in here.items():
            mode, oid, stage = entries[0].split()
            known = oid == head[path].oid if path in head else False
            if stage != "0" or known or entries == ours.get(path) or not mode.startswith("100"):
                continue
            content = git_bytes("cat-file", "blob", oid, cwd=self.journal.repository.top)
            target = self.aside / path
            if target.is_file() and target.read_bytes() == content:
                continue
            target = target.with_name(f"{target.name}.staged")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            files.flush([target])
            self.lines.append(f"{path} was staged since: that version is in {target}")

    def restore_index(self, head: dict[str, Blob], paths: list[str]) -> None:
        """Set entries of the index back to the commit; without being asked, only those that the update has set."""
        repository, current = self.journal.repository, self.journal.repository.git_dir / "index"
        here, ours = (index.entries(repository, where, paths) for where in (current, self.journal.index))
        if self.asked:
            self._keep_staged(here, ours, head)
        else:
            paths = [path for path in paths if here.get(path) == ours.get(path)]
        index.stage(repository, current, [(path, 0, None) for path in paths])
        index.stage(repository, current, [(path, 0, head[path]) for path in paths if path in head])
        index.flag(repository, current, {path: flag for path, flag in self.record.flags.items() if path in head})
        index.refresh(repository)
