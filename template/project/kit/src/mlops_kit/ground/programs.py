"""The one place that runs other programs, and the one that prints a step."""

import os
import subprocess
import sys
from pathlib import Path

from mlops_kit.ground.errors import KitError
from mlops_kit.ground.project import project

Done = subprocess.CompletedProcess[str]


def run(*command: str, quiet: bool = False, check: bool = True) -> Done:
    """Run a program of this environment in the project's root, and print what it printed unless `quiet`.

    Raises KitError with the program's own words where it fails and `check` is set.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path}
    done = subprocess.run(
        command, cwd=project().root, env=env, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )
    if check and done.returncode:
        raise KitError(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout).strip()}")
    if not quiet and done.stdout.strip():
        print(done.stdout.strip())
    return done


def git(*arguments: str) -> Done:
    """Run git in the project's root; its exit code and output come back, whatever they are."""
    return run("git", *arguments, quiet=True, check=False)


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
