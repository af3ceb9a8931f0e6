"""`mlops adopt`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.options import (
    Answer,
    AnswersFile,
    AsJson,
    DataFile,
    Defaults,
    Offline,
    Prereleases,
    Quiet,
    Template,
    TrustTemplate,
    VcsRef,
)

if TYPE_CHECKING:
    from mlops_scaffold.adopting.request import Outcome
    from mlops_scaffold.ground.report import Report

Level = Annotated[
    str,
    typer.Option(
        help="How much of the template: ci, package (packages and commands too), or pipeline (all).",
        autocompletion=completing.levels,
    ),
]


def adopt(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="The repository.")] = Path(),
    level: Level = "ci",
    data: Answer = [],  # noqa: B006
    data_file: DataFile = None,
    defaults: Defaults = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--pretend", "-n", help="Show the plan, write nothing.")
    ] = False,
    template: Template = None,
    vcs_ref: VcsRef = None,
    prereleases: Prereleases = False,
    answers_file: AnswersFile = None,
    trust: TrustTemplate = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Bring an existing repository under the template, on a branch: nothing of it is overwritten, moved or run."""
    from mlops_scaffold.adopting.adopt import adopt as bring_in
    from mlops_scaffold.adopting.request import Request
    from mlops_scaffold.cli.outcomes import DONE, NEEDS_A_PERSON
    from mlops_scaffold.creating.new import parse_data
    from mlops_scaffold.ground.report import Report

    report = Report(quiet or as_json)
    request = Request(
        folder=folder,
        level=level,
        template=template,
        ref=vcs_ref,
        prereleases=prereleases,
        offline=offline,
        data=parse_data(data),
        data_file=data_file,
        defaults=defaults,
        answers_file=answers_file,
        trust=trust,
        dry_run=dry_run,
    )
    outcome = bring_in(request, report)
    if as_json:
        print(json.dumps({"project": str(folder), **outcome.to_json()}))
    else:
        show(outcome, report, dry_run)
    sys.exit(NEEDS_A_PERSON if outcome.conflicts else DONE)


def show(outcome: "Outcome", report: "Report", dry_run: bool) -> None:
    """Each file with its status, then what to do."""
    from mlops_scaffold.cli.outcomes import many, show_changes
    from mlops_scaffold.planning.planned import CONFLICT, KEPT

    show_changes(outcome.changes, report)
    for notice in outcome.notices:
        report.warn(notice)
    counted = sum(change.status not in (CONFLICT, KEPT) for change in outcome.changes)
    verb = "would come in" if dry_run else "came in"
    report.done(
        f"template {outcome.version}, level {outcome.level}: {many(counted, 'file')} {verb}, "
        f"{many(outcome.conflicts, 'conflict')}"
    )
    if dry_run:
        return
    report.todo(f"look at it: git log --stat --max-count=2 (on the branch {outcome.branch}; nothing was pushed)")
    if outcome.conflicts:
        report.todo("settle the conflicts: mlops update --resume, then git mergetool or an editor")
    report.todo(f"to leave it: git switch -, then git branch -D {outcome.branch}")
