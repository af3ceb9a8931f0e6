"""`mlops update --resume`: the conflicts that were left in a commit become git's own, for any merge tool."""

from dataclasses import replace
from pathlib import Path

from mlops_scaffold.applying import writing
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.planning import conflicts_file
from mlops_scaffold.planning.planned import CONFLICT, Change, Plan
from mlops_scaffold.planning.trees import combine
from mlops_scaffold.planning.update import conflict_note
from mlops_scaffold.rendering.recorded import render_base
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.sources.source import Version, reopen_version
from mlops_scaffold.updating.request import Outcome
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch, scratch

Conflicts = dict[str, dict[int, Blob]]


def resume(
    folder: Path, report: Report, answers_file: str | None = None, offline: bool = False, trust: bool = False
) -> Outcome:
    """Set the stages of each conflict in the index, and markers in the files. `mlops update --abort` takes it back.

    Raises MlopsError where no conflicts were left, or where the template renders other files now.
    """
    with opened(folder, answers_file, report, write=True) as (project, repository, record):
        repository.require_clean()
        head = repository.head()
        before = repository.entries_of(head)
        if conflicts_file.FILE not in before:
            sentence = f"No conflicts were left to settle here: there is no {conflicts_file.FILE}."
            raise MlopsError(sentence, "Check out the branch of the update first.")
        with scratch(repository) as place:
            left = conflicts_file.read(place.read(before[conflicts_file.FILE].oid))
            was = replace(project, answers=left.answers)
            older, newer = reopened(was, offline), reopened(project, offline)
            store_renderings(place, was, older, project, newer, trust)
            conflicts = stages_now(place, left, before)
            result = {path: blob for path, blob in before.items() if path != conflicts_file.FILE}
            result |= with_markers(place, conflicts)
            made = Plan(project, repository, head, older, newer, before, result, conflicts)
            writing.apply(made, place, record)
    changes = [Change(path, CONFLICT, conflict_note(stages)) for path, stages in sorted(conflicts.items())]
    return Outcome(older.name, newer.name, changes, conflicts=len(conflicts))


def reopened(project: Project, offline: bool) -> Version:
    """The version of the template that a project has."""
    return reopen_version(recorded_address(project.source), project.version, project.commit, offline)


def store_renderings(
    place: Scratch, was: Project, older: Version, project: Project, newer: Version, trust: bool
) -> None:
    """Have the objects of both sides of the template: nothing but their names is in the commit."""
    for one, version in ((was, older), (project, newer)):
        made = render_base(one, version, trust)
        place.store({str(path): entry for path, entry in made.tree.files.items()})


def stages_now(place: Scratch, left: conflicts_file.Unsettled, before: dict[str, Blob]) -> Conflicts:
    """The stages of each conflict, with the project's side as it is committed now."""
    found: Conflicts = {}
    for path, recorded in left.conflicts.items():
        stages = {number: blob for number, blob in recorded.items() if number != 2}
        if path in before:
            stages[2] = before[path]
        found[path] = dict(sorted(stages.items()))
    wanted = sorted({blob.oid for stages in found.values() for blob in stages.values()})
    said = place.git("cat-file", "--batch-check=%(objecttype)", given="\n".join(wanted).encode()).decode()
    missing = [oid for oid, line in zip(wanted, said.splitlines(), strict=True) if line != "blob"]
    for path, stages in found.items():
        if any(blob.oid in missing for blob in stages.values()):
            sentence = f"The template does not render {path} as it did when the update was made."
            raise MlopsError(sentence, "Make the update again: delete the branch, then run mlops update.")
    return found


def with_markers(place: Scratch, conflicts: Conflicts) -> dict[str, Blob]:
    """The files that both sides have, merged with markers around what is in conflict."""
    both = {path: stages for path, stages in conflicts.items() if {2, 3} <= stages.keys()}
    base, ours, theirs = ({path: stages[n] for path, stages in both.items() if n in stages} for n in (1, 2, 3))
    return combine(place, base, ours, theirs).entries
