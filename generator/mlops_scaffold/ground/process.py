"""The one place that runs other programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a project is and which part of it is installed is ours to say. Where packages come from, and how this machine
# reaches them (indexes, mirrors, caches, proxies, certificates, UV_EXCLUDE_NEWER), stays as the person has set it.
UV_OURS = (
    *("UV_PROJECT", "UV_NO_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_PROJECT_ENVIRONMENT", "UV_ISOLATED"),
    *("UV_FROZEN", "UV_LOCKED", "UV_NO_SYNC", "UV_DEV", "UV_NO_DEV", "UV_NO_GROUP", "UV_NO_DEFAULT_GROUPS"),
    *("UV_NO_EDITABLE", "UV_NO_INSTALL_PROJECT", "UV_NO_INSTALL_WORKSPACE", "UV_NO_INSTALL_LOCAL"),
    *("UV_ONLY_INSTALL_PROJECT", "UV_ONLY_INSTALL_WORKSPACE", "UV_ONLY_INSTALL_LOCAL", "UV_NO_SOURCES"),
    *(
        "UV_RESOLUTION",
        "UV_PRERELEASE",
        "UV_FORK_STRATEGY",
        "UV_CONSTRAINT",
        "UV_OVERRIDE",
        "UV_EXCLUDE",
        "UV_ENV_FILE",
    ),
)
# Set by git for its own hooks: they would point our commands at another repository.
GIT_LOCATIONS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR")


@dataclass(frozen=True)
class Finished:
    """What a program left behind."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """All that it printed."""
        return "\n".join(text for text in (self.output.strip(), self.errors.strip()) if text)


def run(
    command: Sequence[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    alone: bool = False,
    limit: float | None = None,
    watch: Callable[[str], None] | None = None,
) -> Finished:
    """Run a program to its end; `env` is its whole environment. Raises FileNotFoundError where there is none.

    Raises subprocess.TimeoutExpired, with the program ended, where it has run for `limit` seconds.

    `watch` is given the last line that it has printed to stderr, every second.

    With `alone` it is in a session of its own and cannot ask anything: a Ctrl-C reaches us, and we end it with all
    that it has started.
    """
    running = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if alone else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=alone,
    )
    try:
        output, errors = _communicate(running, limit, watch)
    except BaseException:
        _end(running, alone)
        raise
    return Finished(running.returncode, output, errors)


def _communicate(
    running: subprocess.Popen[str], limit: float | None, watch: Callable[[str], None] | None
) -> tuple[str, str]:
    """What a program prints until its end; `watch` is given the last line of its errors in between."""
    if watch is None:
        return running.communicate(timeout=limit)
    end = None if limit is None else time.monotonic() + limit
    while True:
        try:
            return running.communicate(timeout=1)
        except subprocess.TimeoutExpired as late:
            if end is not None and time.monotonic() > end:
                raise
            said: Any = late.stderr or b""  # bytes, also of a program whose output is text; None on Windows
            lines = str(said, "utf-8", "replace").splitlines()
            watch(lines[-1] if lines else "")


def _end(running: subprocess.Popen[str], group: bool) -> None:
    """End a program, with its children where they are a group: asked first, so that git can remove its locks."""
    if sys.platform == "win32" or not group:
        running.terminate()
        running.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=5)
            # The program is gone; a child of it may not be yet.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            return


def project_environment() -> dict[str, str]:
    """The environment for programs of a project: its own packages, bytecode kept, uv on PATH, output in UTF-8."""
    dropped = {
        *GIT_LOCATIONS,
        "PYTHONDONTWRITEBYTECODE",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        *UV_OURS,
    }
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    folders = [str(Path(uv()).parent), env.get("PATH", "")]
    ours = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", "PYTHONIOENCODING": "utf-8"}
    return {**env, **ours, "PATH": os.pathsep.join(folders)}


def uv() -> str:
    """The path of uv, which comes with this package."""
    from uv import find_uv_bin

    return find_uv_bin()
