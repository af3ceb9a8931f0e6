"""`mlops update`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlops_scaffold.ground.report import Report


def update(
    projects: Annotated[list[Path], typer.Argument(metavar="[PROJECT]...", help="Project folders.")] = [Path()],  # noqa: B006
    to: Annotated[
        str | None, typer.Option("--to", "--vcs-ref", "-r", help="The template's version; the newest by default.")
    ] = None,
    data: Annotated[list[str], typer.Option("--data", "-d", metavar="KEY=VALUE", help="Another answer.")] = [],  # noqa: B006
    data_file: Annotated[Path | None, typer.Option(help="A YAML file of answers.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", "-l", help="Answer new questions by their defaults.")] = False,
    skip_answered: Annotated[  # noqa: ARG001  # copier's flag; here it is always so
        bool, typer.Option("--skip-answered", "-A", help="Ask new questions only (always).")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--pretend", "-n", help="Show it, write nothing.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take the last update back, before it is committed.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Settle the conflicts of a branch of mlops fleet.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use the cached template.")] = False,
    prereleases: Annotated[bool, typer.Option("--prereleases", "-g", help="Take prereleases too.")] = False,
    answers_file: Annotated[str | None, typer.Option("--answers-file", "-a", help="Where answers are kept.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Allow a foreign template's tasks and extensions.")] = False,
    skip_tasks: Annotated[bool, typer.Option("--skip-tasks", "-T", help="Run no tasks or migrations.")] = False,
    engine: Annotated[str, typer.Option(help="merge, or copier: its own update.")] = "merge",
    merge: Annotated[
        str | None, typer.Option(help="format, or text: git's merge of lines alone, for this update.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell what was merged how, entry by entry.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Bring a new version of the template into projects, as a merge."""
    from mlops_scaffold.cli.outcomes import show_outcomes
    from mlops_scaffold.creating.new import parse_data
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.ground.settings import MERGES
    from mlops_scaffold.updating.evolve import evolve
    from mlops_scaffold.updating.request import Outcome, Request
    from mlops_scaffold.updating.resume import resume as take_up

    if engine not in ("merge", "copier"):
        raise MlopsError(f"There is no engine {engine!r}.", "There are: merge, copier.")
    if merge not in (None, *MERGES):
        raise MlopsError(f"There is no merge {merge!r}.", f"There are: {', '.join(MERGES)}.")
    report = Report(quiet or as_json)
    if abort:
        if dry_run:
            raise MlopsError("--abort takes the update back: it cannot be tried out.", "Leave out --dry-run.")
        take_back(projects, report, as_json)
        return

    if resume and dry_run:
        raise MlopsError("--resume cannot be tried out.", "Leave out --dry-run. mlops update --abort takes it back.")

    def one(folder: Path) -> Outcome:
        if resume:
            return take_up(folder, report, answers_file, offline, trust)
        request = Request(
            folder=folder,
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
        return evolve(request, report)

    sys.exit(show_outcomes(one, projects, report, as_json, dry_run, explain))


def take_back(projects: list[Path], report: "Report", as_json: bool) -> None:
    """`--abort`."""
    import json

    from mlops_scaffold.applying import taking_back
    from mlops_scaffold.vcs.repository import open_repository

    records = []
    for folder in projects:
        repository = open_repository(folder)
        told = taking_back.recover(repository)
        kept = [] if told else taking_back.abort(repository)
        for line in kept:
            report.error(line)  # where somebody's words are is said whatever else is not
        report.done(told or "the update is taken back: the project is as it was")
        records.append({"project": str(folder), "edited_since": kept})
    if as_json:
        print(json.dumps(records if len(records) > 1 else records[0]))
