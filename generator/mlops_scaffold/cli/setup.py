"""`mlops setup`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mlops_scaffold.cli.options import AnswersFile, AsJson, DataInGit, Folder, Quiet, Run, Target, TrustProject


def setup(
    project: Folder = Path(),
    dataset: Annotated[Path | None, typer.Option(help="Dataset for a project created with --no-setup.")] = None,
    target: Target = None,
    data_in_git: DataInGit = False,
    run: Run = False,
    trust: TrustProject = False,
    answers_file: AnswersFile = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make a clone ready, or go on with a set-up that stopped. Safe to run again."""
    from mlops_scaffold.applying.session import recover_around
    from mlops_scaffold.cli.next_steps import say_next_steps
    from mlops_scaffold.creating.bootstrap import Wishes, pending, set_up
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.ground.project import open_project
    from mlops_scaffold.ground.report import Report
    from mlops_scaffold.projects.library import require_whole
    from mlops_scaffold.vcs.git import require_identity
    from mlops_scaffold.vcs.trust import require

    report = Report(quiet or as_json)
    recover_around(project, report)
    found = open_project(project, answers_file)
    if found.has_workspace or trust:
        sentence = f"The set-up of {found.folder} runs its code: packages, hooks and tasks."
        require(found.folder, trust, sentence, found.command("setup"))
    wishes = pending(found)
    if wishes is not None:
        require_identity()
    require_whole(found)
    more = Wishes(str(dataset.absolute()) if dataset else None, target, data_in_git, run)
    if not found.has_workspace and (more.options or wishes is None):
        raise MlopsError(
            f"{found.folder} is not of the mlops template: all that can be set up of it is its git repository.",
            "Leave the options out." if wishes is not None else "It is in one; see its README for the rest.",
        )
    if more.options and wishes is None:
        raise MlopsError(
            f"{found.folder} is in git already: {more.options[0]} is for a project that is not.",
            "New data: uv run poe data FILE. A first model: uv run poe repro",
        )
    wishes = wishes.with_more(more) if wishes is not None else None
    steps = set_up(found, wishes, report)
    if as_json:
        print(json.dumps({"project": str(found.folder), "steps": steps}))
    if wishes is not None:
        say_next_steps(report, found.folder, found)
