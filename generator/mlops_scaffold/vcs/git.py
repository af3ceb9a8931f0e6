"""The one place that runs git."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.vcs.giturl import TRANSPORTS, GitUrl

# A user's settings must not change what a merge is, nor may a hook run in the middle of one.
QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false")
# Nothing is cleaned up while somebody waits.
UNTIDIED = ("-c", "maintenance.auto=false", "-c", "gc.auto=0")
LIMIT = 300  # seconds for a command that waits for another machine


class GitError(MlopsError):
    """A git command failed; `said` is all that it printed."""

    said = ""


class GitTimeout(GitError):
    """A git command was ended, since the other machine did not answer in time."""


def git(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, limit: float | None = None) -> str:
    """Run git, give back what it printed. Raises GitError with git's own last line.

    With `limit` it is ended after so many seconds; where no person can answer its questions, with all that it started.
    """
    command = ["git", *QUIET, *(UNTIDIED if limit else ()), *_explicit(cwd), *arguments]
    try:
        alone = limit is not None and not is_attended()
        done = process.run(command, cwd=cwd, env=_environment(env), alone=alone, limit=limit)
    except FileNotFoundError:
        raise MlopsError("git is not installed.", "Install it, then run the command again.") from None
    except subprocess.TimeoutExpired:
        step = "Try again, or give it more seconds: MLOPS_GIT_TIMEOUT."
        raise GitTimeout(f"git {command_in(arguments)} did not end within {limit:g} seconds.", step) from None
    if done.code:
        raise _failed(command_in(arguments), done.said)
    return done.output.strip()


def git_remote(
    command: str,
    *options: str,
    url: GitUrl,
    refspecs: tuple[str, ...] = (),
    cwd: Path,
    config: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
) -> str:
    """Run a git command on another repository, wherever that is. Raises GitError; GitTimeout where it takes too long.

    Nothing else hands an address to git: it is parsed, behind `--`, of a known transport, and waited for no longer than
    MLOPS_GIT_TIMEOUT says.
    """
    set_here = [part for setting in config for part in ("-c", setting)]
    return git(*set_here, command, *options, "--", url.text, *refspecs, cwd=cwd, env=env, limit=network_limit())


def command_in(arguments: tuple[str, ...]) -> str:
    """The command among git's arguments, behind its settings."""
    rest = list(arguments)
    while rest[0].startswith("-"):
        rest = rest[2 if rest[0] == "-c" else 1 :]
    return rest[0]


def network_limit() -> float:
    """Seconds that a git command may wait for another machine. Raises MlopsError for a setting that is no number."""
    given = os.environ.get("MLOPS_GIT_TIMEOUT") or str(LIMIT)
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise MlopsError(f"MLOPS_GIT_TIMEOUT is {given!r}, which is no number of seconds.", "For example: 600")
    return seconds


def is_attended() -> bool:
    """Whether a person can answer what a program asks in the terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def checked_ref(ref: str) -> str:
    """The name of a version. Raises MlopsError for one that git could take for an option, or for two."""
    if ref.startswith("-") or not ref.isprintable():
        raise MlopsError(f"{ref!r} is no version of a template.", "Name a tag, a branch or a commit.")
    return ref


def quiet(env: Mapping[str, str]) -> dict[str, str]:
    """The variables by which another program's git runs no hook either; `env` is its environment."""
    settings = dict(setting.split("=", 1) for setting in QUIET if "=" in setting)
    first = int(env.get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings.items(), first):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def git_bytes(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, given: bytes = b"", fine: int = 0
) -> bytes:
    """Run a git command on bytes: paths may be anything. Exit codes up to `fine` are no failure. Raises GitError."""
    command = ["git", *QUIET, *_explicit(cwd), *arguments]
    done = subprocess.run(command, cwd=cwd, env=_environment(env), input=given, capture_output=True, check=False)
    if not 0 <= done.returncode <= fine:
        raise _failed(arguments[0], done.stderr.decode(errors="replace"))
    return done.stdout


@contextmanager
def conversation(*arguments: str, git_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a git command that answers on standard output what it is asked on standard input, until the block ends."""
    command = ["git", *QUIET, f"--git-dir={git_dir}", *arguments]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, env=_environment(None), stdin=pipe, stdout=pipe, stderr=nothing) as running:
        try:
            yield running
        finally:
            running.kill()


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    """What git sees: nothing of a hook that may have started us, no question, no lock that it can do without."""
    clean = {key: value for key, value in os.environ.items() if key not in process.GIT_LOCATIONS}
    # Redirections and the user's own url.*.insteadOf lead to no other transport either, unless they say so here.
    clean.setdefault("GIT_ALLOW_PROTOCOL", ":".join(TRANSPORTS))
    return {**clean, "LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(more or {})}


def _explicit(cwd: Path | None) -> tuple[str, ...]:
    """A bare repository in the cache is named, as a user may have git ask for (safe.bareRepository)."""
    return (
        ("--git-dir=.",) if cwd is not None and cwd.parent in (cache_dir() / "mirrors", cache_dir() / "fleet") else ()
    )


def _failed(command: str, said: str) -> GitError:
    lines = said.strip().splitlines() or ["no reason given"]
    error = GitError(f"git {command} failed: {lines[-1]}.")
    if "safe.directory" in said:  # git says what is wrong in its first line, and what to do about it in its last
        first = next((line for line in lines if "dubious" in line), lines[0]).removeprefix("fatal: ")
        step = next(line.strip() for line in reversed(lines) if "safe.directory" in line)
        error = GitError(f"git: {first}.", f"If you trust it, run: {step}")
    error.said = said
    return error


def paths_in(output: bytes) -> list[str]:
    """The names in what git printed with -z."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def settings(pattern: str, cwd: Path, *options: str) -> list[tuple[str, str]]:
    """Git's settings whose names match, each as (name, value); one without a value is true."""
    said = git_bytes("config", *options, "-z", "--get-regexp", pattern, cwd=cwd, fine=1)
    parts = (line.partition("\n") for line in paths_in(said))
    return [(name, value if is_set else "true") for name, is_set, value in parts]


def succeeds(*arguments: str, cwd: Path | None = None) -> bool:
    """Whether a git command succeeds."""
    try:
        git(*arguments, cwd=cwd)
    except GitError:
        return False
    return True


def signs(folder: Path) -> bool:
    """Whether git is to sign the commits of a repository."""
    return dict(settings(r"^commit\.gpgsign$", folder, "--type=bool")).get("commit.gpgsign") == "true"


def is_repository_root(folder: Path) -> bool:
    """Whether the folder is the top of a git repository of its own."""
    return (folder / ".git").exists()


def require_identity() -> None:
    """Raise where git does not know who commits."""
    if not succeeds("var", "GIT_COMMITTER_IDENT") or not succeeds("var", "GIT_AUTHOR_IDENT"):
        step = 'Tell it: git config --global user.name "NAME" and git config --global user.email EMAIL'
        raise MlopsError("git does not know who you are.", step)
