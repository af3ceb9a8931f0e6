"""Checks of what a person edits: contract.yaml, params.yaml, and the project's own code."""

from __future__ import annotations

import shlex

from mlops_kit.contract import load
from mlops_kit.ground import ProjectError, git, params, project
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.state import take_back
from mlops_kit.workspace.gone import gone_names


@check("Reading, checking, training and serving all go by it.")
def contract() -> Found:
    """contract.yaml can be read."""
    try:
        load()
    except Exception as error:
        yield str(error).splitlines()[0], take_back("contract.yaml")


@check("The pipeline takes the split, the model's parameters and the gates from it.")
def parameters() -> Found:
    """params.yaml can be read."""
    try:
        params()
    except ProjectError as error:
        yield error.sentence.rstrip("."), take_back("params.yaml")


@check("The module fails when it is imported, or when the name is used.")
def imports() -> Found:
    """Your own files import names that exist, in the project or in the library."""
    for one in gone_names(project()):
        write = f"write: {one.instead}" if one.instead else "the library has nothing of that name"
        yield (
            f"{one.file}:{one.line} uses {one.name} of {one.module}, which is not there; {write}",
            '"${EDITOR:-vi}" ' + f"+{one.line} {shlex.quote(one.file)}",
        )


@check("An edit of yours to the former code goes with it, unless the update has carried it into kit/.")
def edits() -> Found:
    """No file that you edited is deleted by the update that brings the library, or you have had a look."""
    if git("cat-file", "-e", "HEAD:./kit").returncode == 0 or not (project().root / "kit").is_dir():
        return
    deleted = git("diff", "--name-only", "--relative", "--diff-filter=D", "HEAD", "--", "src", "tests").stdout.split()
    of_template = git("log", "--format=%h", "--", ".copier-answers.yml").stdout.split()
    for path in deleted:
        yours = [one for one in git("log", "--format=%h", "--", path).stdout.split() if one not in of_template]
        if yours:
            yield f"{path} is deleted, and you edited it in {yours[0]}", f"git show {yours[0]} -- {shlex.quote(path)}"
