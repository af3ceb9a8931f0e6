"""Checks of git: who commits, the hooks, and what must not be in the repository."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from mlops_kit.data import remotes
from mlops_kit.ground import KitError, git, project, settle, unmerged
from mlops_kit.ground.conflicts import WRITTEN
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.state import is_repository
from mlops_kit.workspace.large_files import LARGEST_FILE_MB
from mlops_kit.workspace.setup import DRIVERS, RAW

INSTALL = "uv run python -m mlops_kit.workspace hooks"
SECRET_FILES = (".env", ".dvc/config.local")
SECRET_OPTIONS = {"secret_access_key", "session_token", "password", "account_key", "connection_string", "sas_token"}


@check("What git does not show looks as if it were not there: history, the champion, what is committed.")
def history() -> Found:
    """Git reads the repository."""
    try:
        done = git("rev-parse", "--git-dir")
    except KitError as error:
        yield error.sentence.rstrip("."), error.next_step.removeprefix("If you trust it: ")
        return
    link = project().root / ".git"
    if done.returncode and link.is_file():
        moved = f"git -C FOLDER_OF_THE_REPOSITORY worktree repair {shlex.quote(str(project().root))}"
        yield f"this worktree's repository is gone or was moved: {done.stderr.strip()}", moved


@check("DVC, the registry and Python cannot read a file with conflict markers.")
def conflicts() -> Found:
    """No merge waits for a person."""
    if found := unmerged():
        own = ", ".join(path for path in found if path not in WRITTEN)
        first = f"; edit {own} before the command" if own else ""
        yield f"a merge has left conflicts in {', '.join(found)}{first}", settle(found)


@check("Two branches that both ran the pipeline are in conflict each time.", safe=True)
def merge_drivers() -> Found:
    """Git knows how to merge what the pipeline writes."""
    for name, driver in DRIVERS.items() if is_repository() else ():
        if git("config", f"merge.{name}.driver").stdout.strip() != driver:
            yield "git has no merge driver for dvc.lock, metrics.json and champion.yaml", INSTALL
            return


@check("Nothing can be committed without a name.")
def identity() -> Found:
    """Git knows who you are."""
    if is_repository() and git("var", "GIT_COMMITTER_IDENT").returncode:
        yield (
            "git does not know who you are",
            'git config user.name "YOUR NAME" && git config user.email you@example.com',
        )


@check("Without it, commits go in without a look at style, contract and size.", safe=True)
def hooks() -> Found:
    """The git hooks of .pre-commit-config.yaml are installed."""
    if not is_repository() or git("config", "core.hooksPath").stdout.strip():
        return
    if git("rev-parse", "--show-prefix").stdout.strip():  # a folder of a larger repository: see setup.py
        return
    hook = project().root / git("rev-parse", "--git-path", "hooks/pre-commit").stdout.strip()
    text = hook.read_text(encoding="utf-8", errors="replace") if hook.is_file() else ""
    python = re.search(r"^INSTALL_PYTHON=(.+)$", text, re.MULTILINE)
    if "pre-commit" not in text:
        yield "the pre-commit hook is not installed", INSTALL
    elif python and not Path(project().root, shlex.split(python[1])[0]).exists():
        yield "the pre-commit hook calls a Python that is gone", INSTALL


@check("Whoever clones the repository can read it, and history keeps it: change the secret too.")
def secrets() -> Found:
    """No secret is in git."""
    for path in git("ls-files", "--", *SECRET_FILES).stdout.split():
        yield f"{path} is in git", f"git rm --cached --quiet {path}"
    for name, options in remotes("repo").items():
        for option in sorted(SECRET_OPTIONS & options.keys()):
            yield f"{option} is in .dvc/config", f"uv run dvc remote modify --unset {name} {option}"


@check("Every clone carries it forever: large files are DVC's.")
def large_files() -> Found:
    """Git keeps no large file."""
    for path in git("ls-files", "-z").stdout.split("\0"):
        file = project().root / path
        is_large = path and file.is_file() and file.stat().st_size > LARGEST_FILE_MB * 2**20
        if is_large and RAW not in Path(path).parents:  # the data is in git where that was asked for
            name = shlex.quote(path)
            yield (
                f"{path} is over {LARGEST_FILE_MB} MB and in git",
                f"git rm --cached --quiet {name} && uv run dvc add {name}",
            )
