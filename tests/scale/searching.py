"""A project that searches: made once, its searches forgotten between tests, its trials read from its own database."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import git
from tests.project.running import environment

TRIALS = "8"
# Small enough that a trial takes a tenth of a second; of these eight, one is stopped early.
SPACE = """
seed: 7
batch: 2
folds: 2
model:
  max_iter: { from: 2, to: 12 }
  learning_rate: { from: 0.01, to: 0.3, log: true }
  l2_regularization: { choices: [0.0, 1.0, 10.0] }
"""


def search(project: Path, trials: str = TRIALS, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`poe search` as the documentation writes it."""
    command = ["uv", "run", "poe", "search", "--trials", trials, *more]
    return subprocess.run(command, cwd=project, env={**environment(), **env}, capture_output=True, text=True)


def found(done: subprocess.CompletedProcess[str]) -> str:
    """What a search that worked found: its line about the best trial."""
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(line for line in done.stdout.splitlines() if line.startswith("the best"))


def keep(project: Path) -> None:
    """Remember how the project is before it has searched."""
    shutil.copy(project / "mlflow.db", project.parent / "mlflow.db")


def forget(project: Path) -> None:
    """As if it had never searched."""
    shutil.copy(project.parent / "mlflow.db", project / "mlflow.db")
    git("checkout", "--quiet", "params.yaml", cwd=project)


def kill(pid: int) -> None:
    """Kill a process and all that it started, at once and without a word to them."""
    parents = {
        int(stat.parent.name): int(stat.read_text().rpartition(")")[2].split()[1])
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.exists()
    }
    doomed = [pid]
    for process in doomed:
        doomed += [child for child, parent in parents.items() if parent == process]
    for process in doomed:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def trials(project: Path) -> dict[int, tuple[Any, Any]]:
    """Parameters and scores of each trial in MLflow. Fails where one is there twice."""
    with sqlite3.connect(project / "mlflow.db") as database:
        rows = [json.loads(value) for (value,) in database.execute("select value from tags where key = 'trial'")]
    by_number = {
        row["task"]["number"]: (row["task"]["parameters"], row["outcome"]["scores"])
        for row in sorted(rows, key=lambda row: row["task"]["number"])
    }
    assert len(by_number) == len(rows), "a trial is in MLflow twice"
    return by_number


def children(project: Path) -> list[tuple[str, int]]:
    """The searches in MLflow, with how many finished trials each has."""
    query = """
        select parent.name, count(child.run_uuid) from runs parent
        join tags of on of.key = 'mlflow.parentRunId' and of.value = parent.run_uuid
        join runs child on child.run_uuid = of.run_uuid and child.status = 'FINISHED'
        group by parent.run_uuid
    """
    with sqlite3.connect(project / "mlflow.db") as database:
        return database.execute(query).fetchall()
