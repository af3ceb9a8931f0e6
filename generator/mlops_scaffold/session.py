"""Opening a project: whatever a killed update left behind is taken back before anything else."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from mlops_scaffold import journal, taking_back
from mlops_scaffold.errors import MlopsError
from mlops_scaffold.project import Project, open_project
from mlops_scaffold.report import Report
from mlops_scaffold.repository import Repository, open_repository


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
    with journal.locked(repository) if write else nullcontext(journal.Journal(repository)) as record:
        yield open_project(folder, answers_file), repository, record
