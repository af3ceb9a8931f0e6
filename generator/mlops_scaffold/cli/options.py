"""The parameters that several commands have: the same words and the same help in each."""

from pathlib import Path
from typing import Annotated

import typer

from mlops_scaffold.cli import completing

Folder = Annotated[Path, typer.Argument(metavar="[PROJECT]", help="The project's folder.")]
Projects = Annotated[list[Path], typer.Argument(metavar="[PROJECT]...", help="Project folders.")]
Answer = Annotated[
    list[str],
    typer.Option("--data", "-d", metavar="KEY=VALUE", help="An answer.", autocompletion=completing.questions),
]
DataFile = Annotated[Path | None, typer.Option(help="A YAML file of answers.")]
Defaults = Annotated[bool, typer.Option("--defaults", "-l", help="Ask nothing, take the defaults.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "--pretend", "-n", help="Show it, write nothing.")]
Template = Annotated[str | None, typer.Option(help="The template's address or path.")]
VcsRef = Annotated[str | None, typer.Option("--vcs-ref", "-r", help="The template's version.")]
Prereleases = Annotated[bool, typer.Option("--prereleases", "-g", help="Take prereleases too.")]
AnswersFile = Annotated[str | None, typer.Option("--answers-file", "-a", help="Where answers are kept.")]
TrustTemplate = Annotated[bool, typer.Option("--trust", help="Let this template run its code here; remembered.")]
TrustProject = Annotated[bool, typer.Option("--trust", help="Let this project run its code here; remembered.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use the cached template.")]
Target = Annotated[str | None, typer.Option(help="The column to predict.")]
DataInGit = Annotated[bool, typer.Option("--data-in-git", help="Keep the data in git, not in DVC.")]
Run = Annotated[bool, typer.Option("--run", help="Train, register and promote a first model.")]
Force = Annotated[bool, typer.Option("--force", help="Remove files that somebody edited, too.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]
