"""The one place that runs other programs, and the one that prints a step. All run in the project's root.

What runs beside us for longer, such as a server, is started where it is also ended.
"""

import os
import subprocess
import sys
from pathlib import Path

from mlops_kit.ground.errors import KitError
from mlops_kit.ground.project import project

Done = subprocess.CompletedProcess[str]


def run(*command: str, quiet: bool = False, check: bool = True, stdin: str | None = None) -> Done:
    """Run a program of this environment, and print what it printed unless `quiet`.

    Raises KitError with the program's own words where it fails and `check` is set, and wherever git refuses to read a
    repository: what it does not show is not missing. Raises OSError where the program is not installed.
    """
    done = subprocess.run(
        command,
        cwd=project().root,
        env=_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode and "safe.directory" in done.stderr:
        raise refusal(done.stderr)
    if check and done.returncode:
        raise KitError(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout).strip()}")
    if not quiet and done.stdout.strip():
        print(done.stdout.strip())
    return done


def run_openly(*command: str) -> int:
    """Run a program that prints for itself, as it goes; its exit code. Raises OSError where it is not installed."""
    return subprocess.run(command, cwd=project().root, env=_environment()).returncode


def refusal(told: str) -> KitError:
    """What git says of a repository of another owner, with its own command."""
    lines = [line.strip() for line in told.splitlines()]
    reason = next((line for line in lines if "safe.directory" not in line and "'" in line), lines[0])
    step = next((line for line in lines if line.startswith("git config")), "git config --global --add safe.directory .")
    return KitError(f"git reads nothing here: {reason.removeprefix('fatal: ')}.", f"If you trust it: {step}")


def is_shallow() -> bool:
    """Whether this clone was made without all of the history (git clone --depth)."""
    return output_of("git", "rev-parse", "--is-shallow-repository") == "true"


def git(*arguments: str) -> Done:
    """Run git; its exit code and output come back, whatever they are."""
    return run("git", *arguments, quiet=True, check=False)


def git_bytes(*arguments: str) -> bytes:
    """What git prints, byte for byte. Raises KitError with git's own words where it fails."""
    done = subprocess.run(["git", *arguments], cwd=project().root, env=_environment(), capture_output=True)
    if done.returncode:
        raise KitError(f"`git {' '.join(arguments)}` failed:\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def output_of(*command: str) -> str:
    """What a program prints, without blanks around it; empty where it fails or is not installed (git in an image)."""
    try:
        done = run(*command, quiet=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def say(step: str, outcome: str) -> None:
    """Print one line a step."""
    print(f"{step}: {outcome}", flush=True)


def _environment() -> dict[str, str]:
    """Ours, with this environment's own programs before all others."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
