"""What commands on several projects tell about each."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError, shown
from mlops_scaffold.ground.report import Report
from mlops_scaffold.planning.planned import CONFLICT, KEPT, Change
from mlops_scaffold.updating.request import Outcome

DONE, FAILED, NEEDS_A_PERSON = 0, 1, 2
Act = Callable[[Path], tuple[int, dict[str, Any]]]  # on a project: the exit code, and what --json prints of it


def each(projects: list[Path], act: Act, report: Report, as_json: bool) -> int:
    """Act on each project, one after the other; one that fails does not keep the others. Gives back the exit code.

    As JSON, a project is an object on a line of its own; one that failed has its `error`.
    """
    codes = []
    for folder in projects:
        if len(projects) > 1 and not as_json:
            report.say(f"{folder}:")
        try:
            code, record = act(folder)
        except MlopsError as error:
            report.error(f"{folder}: {error}" if len(projects) > 1 else str(error))
            code, record = FAILED, {"error": str(error)}
        codes.append(code)
        if as_json:
            print(json.dumps({"project": str(folder), **record}), flush=True)
    return FAILED if FAILED in codes else max(codes)


def show_outcomes(
    evolve: Callable[[Path], Outcome],
    projects: list[Path],
    report: Report,
    as_json: bool,
    dry_run: bool,
    explain: bool = False,
) -> int:
    """Change each project, and tell what became of its files. Gives back the exit code."""

    def act(folder: Path) -> tuple[int, dict[str, Any]]:
        outcome = evolve(folder)
        if not as_json:
            show(outcome, report, dry_run, explain)
        return NEEDS_A_PERSON if outcome.conflicts else DONE, outcome.to_json()

    return each(projects, act, report, as_json)


def show(outcome: Outcome, report: Report, dry_run: bool, explain: bool = False) -> None:
    """Each file with its status, then what to do."""
    version = versions_of(outcome)
    if not outcome.changes and not outcome.notices:
        report.done(f"{version}: nothing to change")
        return
    show_changes(outcome.changes, report)
    for resolved in outcome.resolved:
        if resolved.rule:
            report.say(f"{resolved.rule}: {resolved.path}")
        for detail in resolved.details if explain or not resolved.rule else ():
            report.say(f"  {resolved.path}: {detail}")
    if dry_run:
        show_patch(outcome.diff)
    for notice in outcome.notices:
        report.warn(notice)
    verb = "would change" if dry_run else "changed"
    counted = sum(change.status != KEPT for change in outcome.changes)
    report.done(f"{version}: {many(counted, 'file')} {verb}, {many(outcome.conflicts, 'conflict')}")
    if dry_run:
        return
    if outcome.conflicts:
        report.todo("settle the conflicts: git mergetool, or an editor; then git add them")
    if counted and outcome.staged:
        report.todo("look at it: git diff --cached; then git commit (or take it back: mlops update --abort)")
    elif counted:
        report.todo("look at it: git status and git diff; then git add --all and git commit")


def show_changes(changes: Iterable[Change], report: Report) -> None:
    """Each file with its status."""
    for change in changes:
        note = f"  ({change.note})" if change.note else ""
        (report.warn if change.status == CONFLICT else report.say)(f"{change.status:9} {change.path}{note}")


def versions_of(outcome: Outcome) -> str:
    """The version of the template, and of each layer over it: from which one to which."""
    told = [("template", outcome.older, outcome.newer), *((one.name, one.older, one.newer) for one in outcome.layers)]
    return ", ".join(
        f"{name} {new}" if old == new else f"{name} {old or '(none)'} -> {new or '(none)'}" for name, old, new in told
    )


def show_patch(lines: bytes) -> None:
    """Print a patch as it is: files may have any bytes, and `git apply` wants them all. No terminal does."""
    if sys.stdout.isatty():
        print(shown(lines.decode(errors="replace")), end="", flush=True)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def many(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
