"""What `update`, `add` and `remove` tell about each project."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report
from mlops_scaffold.planning.planned import CONFLICT, KEPT
from mlops_scaffold.updating.request import Outcome

DONE, FAILED, NEEDS_A_PERSON = 0, 1, 2


def show_outcomes(
    act: Callable[[Path], Outcome],
    projects: list[Path],
    report: Report,
    as_json: bool,
    dry_run: bool,
    explain: bool = False,
) -> int:
    """Act on each project, one after the other; one that fails does not keep the others. Gives back the exit code."""
    codes, records = [], []
    for folder in projects:
        try:
            outcome = act(folder)
        except MlopsError as error:
            if len(projects) == 1:
                raise
            report.error(f"{folder}: {error}")
            codes.append(FAILED)
            records.append({"project": str(folder), "error": str(error)})
            continue
        codes.append(NEEDS_A_PERSON if outcome.conflicts else DONE)
        records.append({"project": str(folder), **outcome.to_json()})
        if not as_json:
            show(outcome, folder if len(projects) > 1 else None, report, dry_run, explain)
    if as_json:
        print(json.dumps(records if len(projects) > 1 else records[0]))
    return FAILED if FAILED in codes else max(codes)


def show(outcome: Outcome, folder: Path | None, report: Report, dry_run: bool, explain: bool = False) -> None:
    """Each file with its status, then what to do."""
    if folder:
        report.say(f"{folder}:")
    if outcome.older == outcome.newer:
        version = f"template {outcome.newer}"
    else:
        version = f"template {outcome.older} -> {outcome.newer}"
    if not outcome.changes and not outcome.notices:
        report.done(f"{version}: nothing to change")
        return
    for change in outcome.changes:
        note = f"  ({change.note})" if change.note else ""
        (report.warn if change.status == CONFLICT else report.say)(f"{change.status:9} {change.path}{note}")
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


def show_patch(lines: bytes) -> None:
    """Print a patch as it is: files may have any bytes, and `git apply` wants them all."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def many(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
