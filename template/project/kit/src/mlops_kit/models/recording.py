"""Runs are recorded by a process of its own, which loads MLflow while the stage trains or measures the model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlops_kit.ground import project
from mlops_kit.models.errors import ServerError
from mlops_kit.models.runs import client, in_a_sentence, log_metrics, log_training

_waiting: list[subprocess.Popen[str]] = []


@contextmanager
def recorder() -> Iterator[None]:
    """Have such a process for `record` and `record_training`, unless MLflow is loaded already."""
    if "mlflow" in sys.modules:
        yield
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "mlops_kit.models", "record"],
        cwd=project().root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    _waiting.append(process)
    try:
        yield
    finally:
        _waiting.remove(process)
        if process.poll() is None:  # the stage failed before it had anything to record
            process.send_signal(signal.SIGINT)  # which puts away a database that is half made
            process.communicate()


def record(run: str, metrics: dict[str, float]) -> None:
    """`log_metrics`, by the process that waits for it. Raises ServerError as that does."""
    if _waiting:
        _answer(dict(run=run, metrics=metrics))
    else:
        log_metrics(run, metrics)


def record_training(parameters: dict[str, Any], rows: int) -> str:
    """`log_training`, by the process that waits for it: the run's id. Raises ServerError as that does."""
    if _waiting:
        return _answer(dict(parameters=parameters, rows=rows)).splitlines()[-1]
    return log_training(parameters, rows)


def _answer(asked: dict[str, Any]) -> str:
    """What the process prints. Raises ServerError with its words where it fails."""
    process = _waiting[-1]
    printed, said = process.communicate(json.dumps(asked))
    if process.returncode:
        raise ServerError(said.strip() or "The run could not be recorded. Run the stage again: uv run poe repro")
    if said.strip():
        print(said.strip(), file=sys.stderr)
    return printed.strip()


def record_what_comes() -> None:
    """What that process does: load MLflow, wait for what to record on stdin, record it, print a training's run."""
    with in_a_sentence():
        client().search_experiments(max_results=1)
        text = sys.stdin.read()
        if not text:  # the stage was ended
            return
        asked = json.loads(text)
        if "metrics" in asked:
            log_metrics(**asked)
        else:
            print(log_training(**asked))
