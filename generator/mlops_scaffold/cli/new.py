"""`mlops new`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.options import (
    Answer,
    AnswersFile,
    AsJson,
    DataFile,
    DataInGit,
    Defaults,
    Offline,
    Prereleases,
    Quiet,
    Run,
    Target,
    Template,
    TrustTemplate,
    VcsRef,
)

if TYPE_CHECKING:
    from mlops_scaffold.creating.new import Request
    from mlops_scaffold.ground.report import Report

Preset = Annotated[
    str | None,
    typer.Option(help="Answers that come with the template: see mlops presets.", autocompletion=completing.presets),
]

Layers = Annotated[
    list[str],
    typer.Option("--layer", metavar="ADDRESS[@VERSION]", help="A layer over the template; repeat it for more."),
]


def new(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="The folder to make.")],
    data: Answer = [],  # noqa: B006
    data_file: DataFile = None,
    preset: Preset = None,
    defaults: Defaults = False,
    dataset: Annotated[Path | None, typer.Option(help="Your data: a CSV or Parquet file.")] = None,
    target: Target = None,
    data_in_git: DataInGit = False,
    run: Run = False,
    no_setup: Annotated[bool, typer.Option("--no-setup", help="Only write the files.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--pretend", "-n", help="Show what would be made.")] = False,
    template: Template = None,
    vcs_ref: VcsRef = None,
    layer: Layers = [],  # noqa: B006
    prereleases: Prereleases = False,
    answers_file: AnswersFile = None,
    trust: TrustTemplate = False,
    skip_tasks: Annotated[bool, typer.Option("--skip-tasks", "-T", help="Run no tasks of the template.")] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make a project: from a data file to a repository that works."""
    from mlops_scaffold.creating.new import Request, parse_data
    from mlops_scaffold.ground.report import Report

    request = Request(
        destination=destination,
        template=template,
        ref=vcs_ref,
        prereleases=prereleases,
        offline=offline,
        data=parse_data(data),
        data_file=data_file,
        preset=preset,
        defaults=defaults,
        answers_file=answers_file,
        trust=trust,
        skip_tasks=skip_tasks,
        dataset=dataset,
        target=target,
        data_in_git=data_in_git,
        run=run,
        set_up=not (no_setup or dry_run),
        layers=tuple(layer),
    )
    make(request, Report(quiet or as_json), dry_run, as_json)


def make(request: "Request", report: "Report", dry_run: bool, as_json: bool) -> None:
    """Plan the project; then write it, set it up where that is asked, and say what comes next."""
    from mlops_scaffold.cli.next_steps import say_next_steps
    from mlops_scaffold.creating.bootstrap import Wishes, set_up
    from mlops_scaffold.creating.new import plan
    from mlops_scaffold.ground.errors import shown
    from mlops_scaffold.vcs.trust import remember

    planned = plan(request, report)
    outcome: dict[str, object] = {
        "project": str(planned.destination),
        "template": planned.version.source,
        "version": planned.version.name,
        "layers": [
            {"name": one.name, "template": one.newer.source, "version": one.newer.name} for one in planned.layers
        ],
        "files": planned.tree.paths,
    }
    if dry_run:
        print(json.dumps(outcome) if as_json else shown("\n".join(planned.tree.paths)))
        return
    planned.tree.write_new(planned.destination)
    if planned.trusted:
        with suppress(OSError):  # a machine that keeps nothing: then it is said again
            remember(planned.destination)
    report.done(written(planned.tree.paths, planned.destination))
    found = planned.dataset
    wishes = Wishes(run=request.run)
    if found:
        wishes = Wishes(str(found.path), found.target, request.data_in_git, request.run)
    if request.set_up:
        outcome["steps"] = set_up(planned.project, wishes, report, found)
    if as_json:
        print(json.dumps(outcome))
    say_next_steps(report, request.destination, planned.project, None if request.set_up else wishes)


def written(paths: list[str], folder: Path) -> str:
    """How many files a project has; its library counts as one thing, which a person need not read."""
    from mlops_scaffold.ground.project import KIT

    library = KIT.parts[0]
    if f"{KIT}/__init__.py" not in paths:
        return f"{len(paths)} files in {folder}"
    own = [path for path in paths if not path.startswith(f"{library}/")]
    return f"{len(own)} files in {folder}, and the library in {library}/"
