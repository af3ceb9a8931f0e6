"""A rendered project that is really run: made by `mlops new`, asked by its own tasks, served as its README says."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
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
    """The default project with its champion, in `folder`: a copy of the first."""
    return copied(first(template, made), folder)


def copied(project: Path, folder: Path) -> Path:
    """A copy of a project in `folder`, which is set up as well."""
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    link_environment(project, folder)
    return folder


def with_answers(project: Path, folder: Path, *answers: str) -> Path:
    """A copy of a project in `folder`, updated to other answers: it keeps its champion, so nothing is trained."""
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    command = [*RUN, "update", str(folder), "--defaults", "--offline", *answers]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    link_environment(project, folder)
    commit = ["git", "commit", "--quiet", "--no-verify", "--message", "other answers"]
    subprocess.run(commit, cwd=folder, check=True)
    return folder


def trained(
    folder: Path, template: Path, made: pytest.TempPathFactory, *answers: str, data: Sequence[str] = ()
) -> Path:
    """A project of other answers with its champion, in `folder`; `data` are the options of a table."""
    new(folder, template, "--no-setup", *answers, *data)
    set_up(folder, first(template, made), "--run", *data)
    return folder


def trained_once(
    name: str, template: Path, made: pytest.TempPathFactory, *answers: str, table: Callable[[Path], Path], target: str
) -> Path:
    """A project on a table of its own, which `table` writes, with its champion: for all cores. Nobody changes it."""

    def make(place: Path) -> None:
        data = ["--dataset", str(table(place / f"{name}.csv")), "--target", target]
        trained(place / name, template, made, *answers, data=data)

    return made_once(made, name, make) / name


def untrained(folder: Path, template: Path, made: pytest.TempPathFactory, *answers: str) -> Path:
    """The same without a model, on the example's data."""
    new(folder, template, "--no-setup", *answers)
    set_up(folder, first(template, made))
    return folder


def first(template: Path, made: pytest.TempPathFactory) -> Path:
    """The default project, made with its champion by one command, once for all cores. Nobody changes it.

    Its folder's name has a space.
    """
    return made_once(made, "with a champion", lambda place: new(place / "churn", template, "--run")) / "churn"


def set_up(project: Path, like: Path, *options: str) -> str:
    """Go on with what `mlops new --no-setup` has written, by `mlops setup`, with the packages of another project.

    Their bytecode is there already: most of a first model's time would be to compile them.
    """
    link_packages(like, project)
    done = subprocess.run([*RUN, "setup", str(project), *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def link_environment(project: Path, to: Path) -> None:
    """Give a copy or a clone of a project its environment, bytecode and all."""
    link_packages(project, to)
    subprocess.run(["uv", "sync", "--quiet", "--locked"], cwd=to, env=environment(), check=True)


def link_packages(project: Path, to: Path) -> None:
    """The same without `uv sync`, which has to follow: until then the project's package is that of the other folder."""
    # Nothing changes the packages' files: links to them are as good, and a hundred times faster.
    shutil.copytree(project / ".venv", to / ".venv", symlinks=True, copy_function=os.link)


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
