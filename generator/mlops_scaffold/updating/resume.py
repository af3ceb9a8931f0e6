"""`mlops update --resume`: the conflicts that were left in a commit become git's own, for any merge tool."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mlops_scaffold.applying import writing
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project, open_layers
from mlops_scaffold.ground.report import Report
from mlops_scaffold.planning.planned import CONFLICT, Change, Plan
from mlops_scaffold.planning.trees import combine
from mlops_scaffold.planning.update import conflict_note
from mlops_scaffold.rendering.recorded import render_base
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.sources.source import Version, reopen_version
from mlops_scaffold.updating.request import Moved, Outcome
from mlops_scaffold.vcs.conflict_record import RECORD, Record, parse
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch, scratch


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
        if RECORD not in before:
            sentence = f"No conflicts were left to settle here: there is no {RECORD}."
            raise MlopsError(sentence, "Check out the branch of the update first.")
        with scratch(repository) as place:
            left = parse(place.read(before[RECORD].oid))
            was = [replace(project, answers=left.answers)]
            was += [Project(project.folder, answers, name) for name, answers in left.layers.items()]
            now = [project, *open_layers(project)]
            older, newer = reopened(was[0], offline), reopened(project, offline)
            known: dict[str, Blob] = {}
            for one in (*was, *now):
                known |= stored_rendering(place, one, reopened(one, offline), trust)
            conflicts = stages_now(left, known, before)
            result = {path: blob for path, blob in before.items() if path != RECORD}
            result |= with_markers(place, conflicts)
            made = Plan(project, repository, head, older, newer, before, result, conflicts)
            writing.apply(made, place, record)
    changes = [Change(path, CONFLICT, conflict_note(stages)) for path, stages in sorted(conflicts.items())]
    had = {one.layer: one.version for one in was}
    layers = [Moved(one.layer, had.get(one.layer, ""), one.version) for one in now[1:]]
    return Outcome(older.name, newer.name, changes, conflicts=len(conflicts), layers=layers)


def reopened(project: Project, offline: bool) -> Version:
    """The version of the template that a project has."""
    return reopen_version(recorded_address(project.source), project.version, project.commit, offline)


def stored_rendering(place: Scratch, project: Project, version: Version, trust: bool) -> dict[str, Blob]:
    """What a template renders, by the names of its objects: of a conflict, the commit has nothing but these."""
    made = render_base(project, version, trust)
    stored = place.store({str(path): entry for path, entry in made.tree.files.items()})
    return {blob.oid: blob for blob in stored.values()}


def stages_now(left: Record, known: Mapping[str, Blob], before: Mapping[str, Blob]) -> dict[str, dict[int, Blob]]:
    """The stages of each conflict, with the project's side as it is committed now."""
    known = {**{blob.oid: blob for blob in before.values()}, **known}
    found: dict[str, dict[int, Blob]] = {}
    for one in left.conflicts:
        path, stages = one.path, one.stages
        missing = [oid for number, oid in stages.items() if number != 2 and oid not in known]
        if missing:
            sentence = f"The template does not render {path} as it did when the update was made."
            raise MlopsError(sentence, "Make the update again: delete the branch, then run mlops update.")
        found[path] = {number: known[oid] for number, oid in stages.items() if number != 2}
        if path in before:
            found[path][2] = before[path]
    return found


def with_markers(place: Scratch, conflicts: Mapping[str, Mapping[int, Blob]]) -> dict[str, Blob]:
    """The files that both sides have, merged with markers around what is in conflict."""
    both = {path: stages for path, stages in conflicts.items() if {2, 3} <= stages.keys()}
    base, ours, theirs = ({path: stages[n] for path, stages in both.items() if n in stages} for n in (1, 2, 3))
    return combine(place, base, ours, theirs).entries
