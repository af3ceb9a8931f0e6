"""The one place that runs other programs."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def run(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end; `env` is its whole environment. Raises FileNotFoundError where there is none."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def project_environment() -> dict[str, str]:
    """The environment for programs of a project: its own packages, bytecode kept, uv on PATH."""
    import sys

    dropped = {
        *GIT_LOCATIONS,
        "PYTHONDONTWRITEBYTECODE",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "UV_PROJECT_ENVIRONMENT",
    }
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    folders = [str(Path(uv()).parent), env.get("PATH", "")]
    return {**env, "PATH": os.pathsep.join(folders), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}


def uv() -> str:
    """The path of uv, which comes with this package."""
    from uv import find_uv_bin

    return find_uv_bin()
