"""What to do next, said at the end of `new`, and of `setup` where it goes on with that."""

import shlex
import shutil
from pathlib import Path

from mlops_scaffold.creating.bootstrap import Wishes, is_part, next_steps
from mlops_scaffold.ground import process
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.report import BOX, Report
from mlops_scaffold.vcs.git import git


def say_next_steps(report: Report, folder: Path, project: Project, left: Wishes | None = None) -> None:
    """Boxes to tick, in order: to get there, then the set-up that is `left`, or what the project itself proposes."""
    if report.quiet:
        return
    if is_part(project.folder):
        top, name = git("rev-parse", "--show-toplevel", cwd=project.folder), project.folder.name
        report.warn(f"{name} is inside the Git repository {top}: its commits go there.")
        if project.answers.get("ci", "none") != "none":
            report.warn(f"CI systems read CI files only at the root of a repository, not in {name}: see docs/ci.md")
    report.say("\nNext:")
    if not shutil.which("uv"):
        report.todo(f'put uv on your PATH: export PATH="{Path(process.uv()).parent}:$PATH"')
    report.todo(f"cd {shlex.quote(str(folder))}")
    if left is not None:
        report.todo(project.command("setup", *left.options))
        return
    for line in next_steps(project):
        report.todo(line.removeprefix(f"{BOX} "))
