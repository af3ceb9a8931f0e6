"""A rendered project that is really run: made by `mlops new`, asked by its own tasks, served as its README says."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mlops_scaffold.ground import process

from tests.conftest import PATIENCE, made_once, wait_until

RUN = [sys.executable, "-m", "mlops_scaffold"]


def environment() -> dict[str, str]:
    """As a user's shell: uv on PATH, nothing of the test's own environment."""
    env = process.project_environment()
    env.pop("UV_PYTHON")
    return env


def poe(project: Path, *task: str) -> str:
    """Run a task of a project, as its README writes it."""
    done = subprocess.run(["uv", "run", "poe", *task], cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def python(project: Path, code: str) -> str:
    """What a program prints that has the project's package and its packages."""
    command = ["uv", "run", "python", "-c", code]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def new(folder: Path, template: Path, *options: str) -> Path:
    """A project in `folder`, made by `mlops new` with the defaults for what the options do not say."""
    command = [*RUN, "new", str(folder), "--defaults", "--template", str(template), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def with_champion(folder: Path, template: Path, made: pytest.TempPathFactory) -> Path:
    """The default project with its champion, in `folder`: a copy of one that is made once for all cores."""
    first = made_once(made, "with-champion", lambda place: new(place / "churn", template, "--run")) / "churn"
    shutil.copytree(first, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    # Nothing changes the packages' files: links to them are as good, and a hundred times faster.
    shutil.copytree(first / ".venv", folder / ".venv", symlinks=True, copy_function=os.link)
    # The package of the project itself is found by its path, which is another one now; uv replaces that file.
    subprocess.run(["uv", "sync", "--quiet", "--locked"], cwd=folder, env=environment(), check=True)
    return folder


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def started(project: Path, env: dict[str, str]) -> Iterator[None]:
    """The project's service as its README starts it; stopped at the end, as a container is."""
    server = subprocess.Popen(["uv", "run", "poe", "serve"], cwd=project, env=env, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(PATIENCE)


@contextmanager
def serving(project: Path, env: dict[str, str]) -> Iterator[str]:
    """The same, ready, at the address that it gives."""
    port = str(free_port())
    with started(project, {**env, "PORT": port}):
        wait_until_ready(f"http://127.0.0.1:{port}/ready")
        yield f"http://127.0.0.1:{port}"


def wait_until_ready(url: str) -> None:
    """Ask until it answers that it is."""

    def ready() -> bool:
        with suppress(OSError), urllib.request.urlopen(url, timeout=10):
            return True
        return False

    wait_until(ready, every=0.2)
