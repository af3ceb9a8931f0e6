"""`mlops check`, `mlops diff`, `mlops explain`: what can be known of a project without changing it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.options import AnswersFile, AsJson, Folder, Offline, Prereleases, Projects, Quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.check import Standing

NO_FILE = "none of this project's files would change"
Strict = Annotated[bool, typer.Option("--strict", help="For CI: fail for open conflicts and drift, not for behind.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let template and project run code here; remembered.")]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Print the outcome as JSON, an object a line for each project.")
]


def check(
    projects: Projects = [Path()],  # noqa: B006
    strict: Annotated[
        bool, typer.Option("--strict", help="For CI: open conflicts and drift alone, not behind.")
    ] = False,
    offline: Offline = False,
    prereleases: Prereleases = False,
    answers_file: AnswersFile = None,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as JSON, an object a line for each.")
    ] = False,
) -> None:
    """Are projects behind their template, or drifted, or is a conflict open in them? Exit code 2 where it is so."""
    from dataclasses import asdict

    from mlops_scaffold.applying.session import opened
    from mlops_scaffold.cli.outcomes import DONE, NEEDS_A_PERSON, each
    from mlops_scaffold.ground.project import open_layers
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.check import check as compare
    from mlops_scaffold.vcs.trust import remember

    report = Report(quiet or as_json)

    def act(folder: Path) -> tuple[int, dict[str, Any]]:
        if trust:
            remember(folder)
        with opened(folder, answers_file, report, write=False) as (found, repository, _):
            over = [] if answers_file else open_layers(found)
            standing = compare(found, repository, offline, prereleases, trust, over)
        show(standing, report)
        fine = standing.sound and standing.compared if strict else standing.as_it_should_be
        if fine:
            layers = "".join(f", {one.name} {one.version}" for one in standing.layers)
            newest = f"not the newest: {standing.newest}" if standing.behind else "up to date"
            compared = ", not drifted" if standing.compared else ""
            report.done(f"template {standing.version}{layers}: {newest}{compared}")
        return DONE if fine else NEEDS_A_PERSON, {"project": str(found.folder), **asdict(standing)}

    sys.exit(each(projects, act, report, as_json))


def show(standing: "Standing", report: "Report") -> None:
    """What there is to do, and by which command."""
    for notice in standing.notices:
        report.warn(notice)
    for path, kind in standing.conflicts.items():
        report.warn(f"in conflict: {path} ({kind})")
    if standing.conflicts:
        report.todo("settle the conflicts, then commit them")
    if standing.behind:
        report.warn(f"behind: {standing.version}, the newest is {standing.newest}")
        show_releases(standing.releases, report)
    for layer in standing.layers:
        if layer.behind:
            report.warn(f"behind: layer {layer.name} {layer.version}, the newest is {layer.newest}")
            show_releases(layer.releases, report)
        if layer.answers:
            new = ", ".join(f"{key}: {value}" for key, value in layer.answers.items())
            report.warn(f"behind: layer {layer.name} does not have the project's {new}")
    if standing.behind or not all(layer.is_current for layer in standing.layers):
        if standing.compared:
            files = f"files of this project that would change: {', '.join(standing.incoming)}"
            report.say(f"  {files if standing.incoming else NO_FILE}")
        report.todo("see it: mlops diff --incoming; take it in: mlops update")
    if standing.drifted:
        report.warn(f"drifted: {', '.join(standing.drifted)}")
        report.todo("see it: mlops diff; nobody is to edit these by hand")
    if standing.library and standing.library.sentence:
        report.warn(standing.library.sentence)
        report.todo(standing.library.todo)


def show_releases(releases: "Mapping[str, list[str]]", report: "Report") -> None:
    """The releases that are new, each with its lines in the changelog."""
    for name, lines in releases.items():
        report.say("\n".join([f"  {name}", *(f"    {line}" for line in lines)]))


def diff(
    project: Folder = Path(),
    incoming: Annotated[bool, typer.Option("--incoming", help="What an update would bring.")] = False,
    seeds: Annotated[bool, typer.Option("--seeds", help="Seeds too: the files that are yours by design.")] = False,
    to: Annotated[str | None, typer.Option("--to", "--vcs-ref", "-r", help="With --incoming: the version.")] = None,
    offline: Offline = False,
    answers_file: AnswersFile = None,
    trust: Trust = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing; exit code 2 where lines differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a project has changed against its template."""
    from mlops_scaffold.applying.session import opened
    from mlops_scaffold.cli.outcomes import show_patch
    from mlops_scaffold.ground.project import open_layers
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.difference import difference
    from mlops_scaffold.updating.evolve import evolve
    from mlops_scaffold.updating.request import Request
    from mlops_scaffold.vcs.trust import remember

    report = Report(quiet or as_json)
    if trust:
        remember(project)
    if incoming:
        request = Request(
            folder=project,
            ref=to,
            defaults=True,
            offline=offline,
            answers_file=answers_file,
            dry_run=True,
            dirty=True,
            trust=trust,
        )
        lines = evolve(request, report).diff
    else:
        with opened(project, answers_file, report, write=False) as (found, repository, _):
            layers = [found] if answers_file else [found, *open_layers(found)]
            lines = difference(layers, repository, seeds, offline, trust)
    if as_json:
        print(json.dumps({"project": str(project.resolve()), "diff": lines.decode(errors="replace")}))
    elif not quiet:
        show_patch(lines)
    if quiet and lines:
        sys.exit(2)


def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file of a project.", autocompletion=completing.paths)],
    project: Annotated[Path | None, typer.Option(help="The project's folder; found from PATH by default.")] = None,
    offline: Offline = False,
    answers_file: AnswersFile = None,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Tell who put a file here, and whose it is."""
    from dataclasses import asdict

    from mlops_scaffold.applying.session import recover_around
    from mlops_scaffold.ground.errors import shown
    from mlops_scaffold.ground.project import find_project, open_layers, open_project
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.explain import explain as find
    from mlops_scaffold.vcs.trust import remember

    recover_around(project or (Path.cwd() / path).parent, Report(quiet or as_json))
    found = open_project(project, answers_file) if project else find_project(path, answers_file)
    if trust:
        remember(found.folder)
    told = find([found] if answers_file else [found, *open_layers(found)], path, offline, trust)
    if as_json:
        print(json.dumps(asdict(told)))
    if quiet or as_json:
        return
    lines = [told.path + ("  (deleted)" if told.deleted else ""), f"  {told.ownership}"]
    if told.layer:
        lines.append(f"  layer      {told.layer}, from {told.source}")
    if told.component:
        lines.append(f"  component  {told.component}, by the question {told.question} (its answer here: {told.answer})")
    elif told.template_file and not told.layer:
        lines.append("  component  none: every project has it")
    if told.template_file:
        lines.append(f"  template   {told.template_file}, since {told.since}")
    print(shown("\n".join(lines)))
