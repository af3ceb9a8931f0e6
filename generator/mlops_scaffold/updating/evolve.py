"""One update of one project, from its folder to a plan that is shown or written."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from mlops_scaffold.applying import writing
from mlops_scaffold.applying.journal import Journal
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import load_settings, read_mapping
from mlops_scaffold.planning.lock_file import LOCK, needs_lock
from mlops_scaffold.planning.planned import CONFLICT, REMOVED, STAYS, UPDATED, Change, Plan
from mlops_scaffold.planning.tasks import Tasks
from mlops_scaffold.planning.update import plan, refuse_obstacles
from mlops_scaffold.projects.library import comes, refuse_own_folder
from mlops_scaffold.rendering import Rendered, questions, settings
from mlops_scaffold.rendering.recorded import render_both
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import Address, is_trusted, recorded_address
from mlops_scaffold.sources.source import Version, is_older, open_version, reopen_version
from mlops_scaffold.updating import fallback
from mlops_scaffold.updating.request import Outcome, Request, Resolved
from mlops_scaffold.vcs.git import settings as git_settings
from mlops_scaffold.vcs.repository import can_merge_trees
from mlops_scaffold.vcs.scratch import scratch
from mlops_scaffold.vcs.trust import is_trusted as is_trusted_project

UNLOCKED = (
    "uv.lock is out of date: to resolve it, uv may run code of the project and its packages. If you trust them, run: "
    "uv lock && git add uv.lock. To have it done by updates, say so once: mlops update --trust"
)


def evolve(
    request: Request, report: Report, change: Callable[[Project, Version], Mapping[str, Any]] | None = None
) -> Outcome:
    """Plan, and write it unless it is a dry run. `change` gives answers that depend on the project's template."""
    with opened(request.folder, request.answers_file, report, write=not request.dry_run) as (
        project,
        repository,
        record,
    ):
        if not request.dirty:
            repository.require_clean()
        address = recorded_address(project.source)
        trusted = is_trusted(project.source, request.trust)
        older, newer = versions(request, project, address)
        for notice in dict.fromkeys((*older.notices, *newer.notices)):
            report.warn(notice)
        data = {**given_answers(request, newer), **(change(project, older) if change else {})}
        if request.engine == "copier":
            return fallback.update(replace(request, trust=trusted), project, older, newer, data)
        refuse_impossible(older, newer)
        if older.commit == newer.commit and not data:
            return Outcome(older.name, newer.name)
        both = render_both(project, older, newer, data, request.defaults, request.trust)
        refuse_own_folder(project, *both)
        with scratch(repository) as place:
            tasks = tasks_of(request, project, older, newer, both[1])
            made = plan(project, place, (older, newer), both, data, tasks, request.merge or load_settings().merge)
            if not request.dirty:
                refuse_obstacles(made)
            settle_removals(made, request)
            outcome = Outcome(older.name, newer.name, made.changes, conflicts=len(made.conflicts))
            outcome.notices = made.notices
            if comes(*both):
                outcome.notices.append("The project's code is the library in kit/ now. Then see: uv run poe doctor")
            outcome.resolved = [Resolved(path, found.rule, found.details) for path, found in made.resolved.items()]
            stale_lock = needs_lock(made, place)
            if stale_lock and not (trusted and is_trusted_project(project.folder)):
                outcome.notices.append(UNLOCKED)
                stale_lock = False
            if request.dry_run:
                outcome.diff = place.diff(place.tree(made.before), place.tree(made.result))
                if stale_lock:
                    resolved(outcome, "uv.lock would be resolved again.")
                return outcome
            if made.touched or made.conflicts:
                writing.apply(made, place, record)
        if stale_lock:
            lock(record, outcome, report, request.offline)
        return outcome


def versions(request: Request, project: Project, address: Address) -> tuple[Version, Version]:
    """The version that the project has, and the one that it shall have. Raises MlopsError for a downgrade."""
    older = reopen_version(address, project.version, project.commit, request.offline)
    if request.same_version:
        return older, older
    newer = open_version(address, request.ref, request.prereleases, request.offline)
    if is_older(address, newer, older):
        if request.ref:
            raise MlopsError(
                f"{newer.name} is older than {older.name}, which the project has.",
                "Downgrades are not supported: revert the commit of the update instead.",
            )
        return older, older
    return older, newer


def given_answers(request: Request, version: Version) -> dict[str, Any]:
    """The answers that were given, as for `mlops new`. Raises MlopsError for one that nobody asks."""
    from_file = read_mapping(request.data_file) if request.data_file else {}
    given = {**{key: value for key, value in from_file.items() if not key.startswith("_")}, **request.data}
    if given:
        catalog.check_keys(given, questions(version))
        catalog.check_values(given, version.folder)
    return given


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


def tasks_of(request: Request, project: Project, older: Version, newer: Version, theirs: Rendered) -> Tasks | None:
    """What the template runs at an update; nothing where it runs nothing, or is not to."""
    found = settings(newer)
    if (
        request.skip_tasks
        or (request.dirty and not request.trust)
        or not (found.get("tasks") or found.get("migrations"))
    ):
        return None
    return Tasks(older, newer, theirs.answers, project.answers_file, request.trust)


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


def lock(record: Journal, outcome: Outcome, report: Report, offline: bool) -> None:
    """Resolve uv.lock again: what the project asks of packages has changed, or both have changed the file."""
    command = [process.uv(), "lock", "--quiet", *(["--offline"] if offline else [])]
    try:
        with writing.one_more(record, LOCK):
            done = process.run(command, cwd=record.repository.folder, env=process.project_environment(), alone=True)
    except KeyboardInterrupt:
        report.error("The update is made, but uv.lock is out of date. Run: uv lock")
        raise
    if done.code:
        outcome.notices.append("uv.lock is out of date, and could not be resolved now. Run: uv lock && git add uv.lock")
        return
    writing.settle(record, LOCK)
    resolved(outcome, "uv.lock is resolved again. Run: uv sync")


def resolved(outcome: Outcome, notice: str) -> None:
    """Tell of a lock file that uv resolves: it is in no conflict."""
    outcome.changes = [Change(LOCK, UPDATED, "resolved again") if one.path == LOCK else one for one in outcome.changes]
    outcome.conflicts = sum(change.status == CONFLICT for change in outcome.changes)
    outcome.notices.append(notice)
