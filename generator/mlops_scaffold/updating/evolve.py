"""One update of one project, from its folder to a plan that is shown or written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from mlops_scaffold.applying import writing
from mlops_scaffold.applying.journal import Journal
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.package import why
from mlops_scaffold.ground.project import Project, open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import load_settings
from mlops_scaffold.planning.lock_file import LOCK, needs_lock
from mlops_scaffold.planning.planned import CONFLICT, REMOVED, STAYS, UPDATED, Change, Plan
from mlops_scaffold.planning.tasks import Tasks
from mlops_scaffold.planning.update import plan, refuse_obstacles
from mlops_scaffold.projects.library import comes, refuse_own_folder
from mlops_scaffold.rendering import settings
from mlops_scaffold.rendering.layers import Layer, RenderedLayer, outdated, render_layer, render_layers
from mlops_scaffold.sources.address import is_trusted
from mlops_scaffold.sources.source import Version
from mlops_scaffold.updating import fallback
from mlops_scaffold.updating.layers import NewAnswers, find_layers, given_answers
from mlops_scaffold.updating.request import Moved, Outcome, Request, Resolved
from mlops_scaffold.vcs.git import settings as git_settings
from mlops_scaffold.vcs.repository import can_merge_trees
from mlops_scaffold.vcs.scratch import scratch
from mlops_scaffold.vcs.trust import is_trusted as is_trusted_project

UNLOCKED = (
    "uv.lock is out of date: to resolve it, uv may run code of the project and its packages. If you trust them, run: "
    "uv lock && git add uv.lock. To have it done by updates, say so once: mlops update --trust"
)


def evolve(request: Request, report: Report, change: NewAnswers | None = None) -> Outcome:
    """Plan, and write it unless it is a dry run. `change` gives answers that depend on the project's template."""
    with opened(request.folder, request.answers_file, report, write=not request.dry_run) as (
        project,
        repository,
        record,
    ):
        if not request.dirty:
            repository.require_clean()
        layers = find_layers(request, project)
        trusted = [is_trusted(layer.newer.source, request.trust) for layer in layers]  # all are asked, and remembered
        for notice in dict.fromkeys(text for one in layers for text in (*one.older.notices, *one.newer.notices)):
            report.warn(notice)
        data = given_answers(request, layers, change)
        if request.engine == "copier":
            return by_copier(replace(request, trust=all(trusted)), layers, data)
        for layer in layers:
            refuse_impossible(layer.older, layer.newer)
        outcome = outcome_of(layers)
        if all(layer.stays_same for layer in layers) and not (any(data.values()) or outdated(layers)):
            return outcome
        made = render_layers(layers, data, partial(render_layer, defaults=request.defaults, trust=request.trust))
        for one in made:
            refuse_own_folder(project, one.base, one.theirs)
        with scratch(repository) as place:
            planned = plan(made, place, tasks_of(request, made), request.merge or load_settings().merge)
            if not request.dirty:
                refuse_obstacles(planned)
            settle_removals(planned, request)
            stale_lock = needs_lock(planned, place)
            tell(outcome, planned, made)
            if stale_lock and not (all(trusted) and is_trusted_project(project.folder)):
                outcome.notices.append(UNLOCKED)
                stale_lock = False
            if request.dry_run:
                outcome.diff = place.diff(place.tree(planned.before), place.tree(planned.result))
                if stale_lock:
                    resolved(outcome, "uv.lock would be resolved again.")
                return outcome
            if planned.touched or planned.conflicts:
                writing.apply(planned, place, record)
        if stale_lock:
            lock(project, record, outcome, report, request.offline)
        return outcome


def outcome_of(layers: Sequence[Layer]) -> Outcome:
    """What there is to say before anything is merged: the versions."""
    base, *others = layers
    moved = [Moved(one.name, "" if one.comes else one.older.name, "" if one.goes else one.newer.name) for one in others]
    return Outcome(base.older.name, base.newer.name, layers=moved)


def tell(outcome: Outcome, planned: Plan, made: Sequence[RenderedLayer]) -> None:
    """Fill in what is planned."""
    outcome.changes, outcome.conflicts, outcome.notices = planned.changes, len(planned.conflicts), planned.notices
    if any(comes(one.base, one.theirs) for one in made):
        outcome.notices.append("The project's code is the library in kit/ now. Then see: uv run poe doctor")
    outcome.resolved = [Resolved(path, found.rule, found.details) for path, found in planned.resolved.items()]


def by_copier(request: Request, layers: Sequence[Layer], data: Mapping[str, Mapping[str, Any]]) -> Outcome:
    """Run copier's own update, which takes one template."""
    if len(layers) > 1:
        files = ", ".join(layer.project.answers_file for layer in layers)
        raise MlopsError(
            "copier updates one template at a time, and this project has layers.",
            f"Name one by --answers-file: {files}.",
        )
    only = layers[0]
    return fallback.update(request, only.project, only.older, only.newer, data[only.name])


def refuse_impossible(older: Version, newer: Version) -> None:
    """Raise for what only copier's own update can do. It is left to a person: it writes over what git ignores."""
    reason = ""
    if not can_merge_trees():
        reason = "this git is older than 2.38"
    elif any(renders_submodule(version) for version in (older, newer)):
        reason = "the template renders files of a submodule"
    if reason:
        raise MlopsError(
            f"The template cannot be merged: {reason}.",
            "copier's own update may do: mlops update --engine copier. It writes over files that git ignores.",
        )


def renders_submodule(version: Version) -> bool:
    """Whether a submodule of the template's repository is in the folder that is rendered."""
    if not (version.folder / ".gitmodules").exists():
        return False
    named = git_settings(r"\.path$", version.folder, "--file", ".gitmodules")
    paths = [PurePosixPath(path) for _, path in named]
    rendered = str(settings(version).get("subdirectory") or "")
    return "{" in rendered or any(path.is_relative_to(rendered) for path in paths)


def tasks_of(request: Request, made: Sequence[RenderedLayer]) -> dict[str, Tasks]:
    """What the templates run at an update; nothing of one that runs nothing, or is not to."""
    if request.skip_tasks or (request.dirty and not request.trust):
        return {}
    found = {}
    for one in made:
        layer, wanted = one.layer, settings(one.layer.newer)
        if (wanted.get("tasks") or wanted.get("migrations")) and not layer.goes:
            answers, file = one.theirs.answers, layer.project.answers_file
            found[layer.name] = Tasks(layer.older, layer.newer, answers, file, request.trust)
    return found


def settle_removals(made: Plan, request: Request) -> None:
    """Files that are to be removed and that somebody edited: refuse, or remove them too where that was asked for."""
    if request.remove_edited is None:
        return
    edited = [change.path for change in made.changes if change.note == STAYS]
    if edited and not request.remove_edited:
        raise MlopsError(
            f"Somebody has edited what would be removed: {', '.join(sorted(edited))}.",
            "Nothing was changed. To remove them all the same, add --force: git keeps what was committed.",
        )
    for path in edited:
        made.result.pop(path, None)
        made.changes = [change for change in made.changes if change.path != path]
        made.changes.append(Change(path, REMOVED, "with edits, which git's history keeps"))


def lock(project: Project, record: Journal, outcome: Outcome, report: Report, offline: bool) -> None:
    """Resolve uv.lock again: what the project asks of packages has changed, or both have changed the file."""
    command = [process.uv(), "lock", "--quiet", *(["--offline"] if offline else [])]
    try:
        with writing.one_more(record, LOCK):
            done = process.run(command, cwd=record.repository.folder, env=process.project_environment(), alone=True)
    except KeyboardInterrupt:
        report.error("The update is made, but uv.lock is out of date. Run: uv lock")
        raise
    if done.code:
        if reason := why(open_project(project.folder, project.answers_file), done.said):
            outcome.notices.append(str(reason))
        outcome.notices.append("uv.lock is out of date, and could not be resolved now. Run: uv lock && git add uv.lock")
        return
    writing.settle(record, LOCK)
    resolved(outcome, "uv.lock is resolved again. Run: uv sync")


def resolved(outcome: Outcome, notice: str) -> None:
    """Tell of a lock file that uv resolves: it is in no conflict."""
    outcome.changes = [Change(LOCK, UPDATED, "resolved again") if one.path == LOCK else one for one in outcome.changes]
    outcome.conflicts = sum(change.status == CONFLICT for change in outcome.changes)
    outcome.notices.append(notice)
