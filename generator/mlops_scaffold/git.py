"""The one place that runs git."""

import os
import subprocess
from pathlib import Path

from mlops_scaffold import process
from mlops_scaffold.errors import MlopsError

# A user's settings must not change what a merge is, nor may a hook run in the middle of one.
QUIET = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false"),
    *("-c", "merge.renames=true", "-c", "merge.directoryRenames=true", "-c", "merge.renameLimit=7000"),
)


class GitError(MlopsError):
    """A git command failed."""


def git(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run git, give back what it printed. Raises GitError with git's own last line."""
    try:
        done = process.run(["git", *QUIET, *arguments], cwd=cwd, env=_environment(env))
    except FileNotFoundError:
        raise MlopsError("git is not installed.", "Install it, then run the command again.") from None
    if done.code:
        raise _failed(arguments[0], done.said)
    return done.output.strip()


def git_bytes(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, given: bytes = b"", fine: int = 0
) -> bytes:
    """Run a git command on bytes: paths may be anything. Exit codes up to `fine` are no failure. Raises GitError."""
    command = ["git", *QUIET, *arguments]
    done = subprocess.run(command, cwd=cwd, env=_environment(env), input=given, capture_output=True, check=False)
    if not 0 <= done.returncode <= fine:
        raise _failed(arguments[0], done.stderr.decode(errors="replace"))
    return done.stdout


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    """What git sees: nothing of a hook that may have started us, no question, no lock that it can do without."""
    clean = {key: value for key, value in os.environ.items() if key not in process.GIT_LOCATIONS}
    return {**clean, "LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(more or {})}


def _failed(command: str, said: str) -> GitError:
    lines = said.strip().splitlines() or ["no reason given"]
    return GitError(f"git {command} failed: {lines[-1]}.")


def paths_in(output: bytes) -> list[str]:
    """The names in what git printed with -z."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def succeeds(*arguments: str, cwd: Path | None = None) -> bool:
    """Whether a git command succeeds."""
    try:
        git(*arguments, cwd=cwd)
    except GitError:
        return False
    return True


def is_repository_root(folder: Path) -> bool:
    """Whether the folder is the top of a git repository of its own."""
    return (folder / ".git").exists()


def require_identity() -> None:
    """Raise where git does not know who commits."""
    if not succeeds("var", "GIT_COMMITTER_IDENT") or not succeeds("var", "GIT_AUTHOR_IDENT"):
        step = 'Tell it: git config --global user.name "NAME" and git config --global user.email EMAIL'
        raise MlopsError("git does not know who you are.", step)
