"""Experiments of DVC that run beside each other write to one registry (L3)."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import git
from tests.project.running import environment, poe
from tests.scale.searching import forget

pytestmark = pytest.mark.long


def dvc(project: Path, *arguments: str) -> str:
    """Run DVC as the documentation writes it."""
    command = ["uv", "run", "dvc", *arguments]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def started(project: Path) -> Iterator[None]:
    """Two workers of DVC's queue; not one outlives the test.

    They keep the output that they are started with open, and now and then one goes on waiting after its last task: to
    read that output to its end would be to wait for it for ever.
    """
    command = ["uv", "run", "dvc", "queue", "start", "--jobs", "2"]
    subprocess.run(
        command, cwd=project, env=environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        for file in (project / ".dvc/tmp/exps/celery").glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text(encoding="utf-8")), signal.SIGKILL)


def finished(project: Path) -> list[str]:
    """The numbers of trees of the experiments whose runs are finished."""
    query = "select value from params join runs using (run_uuid) where key = 'max_iter' and status = 'FINISHED'"
    with sqlite3.connect(project / "mlflow.db") as database:
        return sorted(value for (value,) in database.execute(query) if value in ("3", "4"))


def test_queued_experiments_share_the_registry(project: Path) -> None:
    forget(project)
    for trees in ("3", "4"):
        dvc(project, "exp", "run", "--queue", "--set-param", f"model.max_iter={trees}")
    status = ""
    with started(project):
        for second in range(600):
            # `dvc queue status` takes a second: it runs once both runs are finished, and each minute in case one fails.
            if len(finished(project)) == 2 or second % 60 == 59:
                status = dvc(project, "queue", "status")
                if status.count("Success") + status.count("Failed") == 2 and "0 active" in status:
                    break
            time.sleep(1)
    assert status.count("Success") == 2, status
    with sqlite3.connect(project / "mlflow.db") as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert finished(project) == ["3", "4"]
    assert "champion" in poe(project, "status")
    assert git("status", "--porcelain", cwd=project) == ""
