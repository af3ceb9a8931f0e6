"""`mlops update`."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_scaffold.cli.options import AnswersFile, DataFile, DryRun, Offline, Prereleases, Projects, Quiet

if TYPE_CHECKING:
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.updating.request import Outcome, Request

To = Annotated[
    str | None, typer.Option("--to", "--vcs-ref", "-r", help="The template's version; the newest by default.")
]
Data = Annotated[list[str], typer.Option("--data", "-d", metavar="KEY=VALUE", help="Another answer.")]
Defaults = Annotated[bool, typer.Option("--defaults", "-l", help="Answer new questions by their defaults.")]
SkipAnswered = Annotated[bool, typer.Option("--skip-answered", "-A", help="Ask new questions only (always).")]
Abort = Annotated[bool, typer.Option("--abort", help="Take the last update back, before it is committed.")]
Resume = Annotated[bool, typer.Option("--resume", help="Settle the conflicts of a branch of mlops fleet.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let template and project run code here; remembered.")]
SkipTasks = Annotated[bool, typer.Option("--skip-tasks", "-T", help="Run no tasks or migrations.")]
Engine = Annotated[str, typer.Option(help="merge, or copier: its own update.")]
Merge = Annotated[str | None, typer.Option(help="format, or text: git's merge of lines alone, for this update.")]
Explain = Annotated[bool, typer.Option("--explain", help="Tell what was merged how, entry by entry.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, an object a line for each project.")]


def update(
    projects: Projects = [Path()],  # noqa: B006
    to: To = None,
    data: Data = [],  # noqa: B006
    data_file: DataFile = None,
    defaults: Defaults = False,
    skip_answered: SkipAnswered = True,  # noqa: ARG001  # copier's flag; here it is always so
    dry_run: DryRun = False,
    abort: Abort = False,
    resume: Resume = False,
    offline: Offline = False,
    prereleases: Prereleases = False,
    answers_file: AnswersFile = None,
    trust: Trust = False,
    skip_tasks: SkipTasks = False,
    engine: Engine = "merge",
    merge: Merge = None,
    explain: Explain = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Bring a new version of the template into projects, as a merge."""
    from mlops_scaffold.cli.outcomes import show_outcomes
    from mlops_scaffold.creating.new import parse_data
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.updating.request import Request
    from mlops_scaffold.vcs.trust import remember

    report = Report(quiet or as_json)
    if abort:
        sys.exit(take_back(projects, dry_run, report, as_json))
    asked = Request(
        folder=Path(),
        ref=to,
        prereleases=prereleases,
        data=parse_data(data),
        data_file=data_file,
        defaults=defaults,
        offline=offline,
        dry_run=dry_run,
        answers_file=answers_file,
        trust=trust,
        skip_tasks=skip_tasks,
        engine=engine,
        merge=merge or "",
    )
    for folder in projects if trust else ():
        remember(folder)
    act = partial(resume_one if resume else evolve_one, asked, report)
    sys.exit(show_outcomes(act, projects, report, as_json, dry_run, explain))


def evolve_one(asked: "Request", report: "Report", folder: Path) -> "Outcome":
    """Update one of the projects."""
    from mlops_scaffold.ground.settings import MERGES
    from mlops_scaffold.updating.evolve import evolve

    one_of("engine", asked.engine, ("merge", "copier"))
    one_of("merge", asked.merge, ("", *MERGES))
    return evolve(replace(asked, folder=folder), report)


def resume_one(asked: "Request", report: "Report", folder: Path) -> "Outcome":
    """Put the conflicts of a fleet's branch into the index of one of the projects."""
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.updating.resume import resume

    if asked.dry_run:
        raise MlopsError("--resume cannot be tried out.", "Leave out --dry-run. mlops update --abort takes it back.")
    return resume(folder, report, asked.answers_file, asked.offline, asked.trust)


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise MlopsError for a value that there is none of."""
    from mlops_scaffold.ground.errors import MlopsError

    if value not in known:
        raise MlopsError(f"There is no {name} {value!r}.", f"There are: {', '.join(filter(None, known))}.")


def take_back(projects: list[Path], dry_run: bool, report: "Report", as_json: bool) -> int:
    """`--abort`. Gives back the exit code."""
    from mlops_scaffold.applying import taking_back
    from mlops_scaffold.cli.outcomes import DONE, each
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.vcs.repository import open_repository

    if dry_run:
        raise MlopsError("--abort takes the update back: it cannot be tried out.", "Leave out --dry-run.")

    def act(folder: Path) -> tuple[int, dict[str, Any]]:
        repository = open_repository(folder)
        told = taking_back.recover(repository, asked=True)
        kept = [] if told else taking_back.abort(repository)
        for line in kept:
            report.error(line)  # where somebody's words are is said whatever else is not
        report.done(told or "the update is taken back: the project is as it was")
        return DONE, {"edited_since": kept}

    return each(projects, act, report, as_json)
