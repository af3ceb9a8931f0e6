"""Opening a project: whatever a killed update left behind is taken back before anything else."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from mlops_scaffold.applying import journal, taking_back
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project, open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.vcs.repository import Repository, open_repository


def recover_around(folder: Path, report: Report) -> None:
    """Take back what a killed update left in the repository that a folder is in, in any project of it.

    Without a git process where there is nothing, as it is before every command. What another command is at is not
    touched.
    """
    start = folder.absolute()
    top = next((parent for parent in (start, *start.parents) if (parent / ".git").exists()), None)
    if top is None:
        return
    for found in journal.unsettled(journal.git_dir_of(top)):
        with suppress(MlopsError):
            repository = replace(open_repository(top), prefix=found)
            told = taking_back.recover(repository)
            if told:
                report.warn(told)


@contextmanager
def opened(
    folder: Path, answers_file: str | None, report: Report, write: bool
) -> Iterator[tuple[Project, Repository, journal.Journal]]:
    """A project with its repository: whatever a killed update left is taken back first; locked where it is written."""
    try:
        repository = open_repository(folder)
    except MlopsError:
        open_project(folder, answers_file)  # that it is no project at all is to be said first
        raise
    recovered = taking_back.recover(repository)
    if recovered:
        report.warn(recovered)
    if write:
        taking_back.refuse_foreign(repository)
    with journal.locked(repository) if write else nullcontext(journal.Journal(repository)) as record:
        yield open_project(folder, answers_file), repository, record
