"""`mlops doctor`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_scaffold.cli import completing
from mlops_scaffold.cli.options import AnswersFile, AsJson, Folder, Offline, Quiet, TrustProject

Only = Annotated[
    list[str],
    typer.Option(metavar="CHECK", help="This check alone; may be repeated.", autocompletion=completing.checks),
]


def doctor(
    project: Folder = Path(),
    fix: Annotated[bool, typer.Option("--fix", help="Apply the non-destructive fixes.")] = False,
    only: Only = [],  # noqa: B006
    offline: Offline = False,
    trust: TrustProject = False,
    answers_file: AnswersFile = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with a project here, and the command that fixes it. Exit code 2 where something is."""
    from mlops_scaffold.applying.session import recover_around
    from mlops_scaffold.doctor import examine, mend
    from mlops_scaffold.doctor.registry import Place
    from mlops_scaffold.ground.project import open_project
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.vcs.trust import remember

    report = Report(quiet or as_json)
    recover_around(project, report)
    if trust:
        remember(project)
    place = Place(open_project(project, answers_file), offline)
    found, ran = examine(place, only), []
    if fix and any(one.safe for one in found.findings):
        ran = mend(place, found, report)
        place = Place(open_project(project, answers_file), offline)
        found = examine(place, only)
    if as_json:
        print(json.dumps({"project": str(place.folder), "ran": ran, **found.as_json()}))
    for one in found.findings:
        report.warn(f"{one.check}: {one.what}")
        report.say(f"    {one.why}")
        report.say(f"    {one.mend}")
    for reason, names in found.reasons().items():
        report.warn(f"{', '.join(names)} could not be looked at: {reason}")
    if found.healthy:
        report.done(f"{len(found.checks)} checks, nothing found")
        return
    safe = sum(one.safe for one in found.findings)
    if found.findings and place.folder != Path.cwd():
        report.todo(f"the commands are meant for {place.folder}")
    if safe:
        report.todo(f"mlops doctor --fix applies the non-destructive ones: {safe} of {len(found.findings)}")
    sys.exit(2)
