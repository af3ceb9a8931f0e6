"""Metrics are added to a run by a process of its own, which loads MLflow while the stage measures the model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_kit.ground import project
from mlops_kit.models.errors import ServerError
from mlops_kit.models.runs import client, in_a_sentence, log_metrics

_waiting: list[subprocess.Popen[str]] = []


@contextmanager
def recorder() -> Iterator[None]:
    """Have such a process for `record`, unless MLflow is loaded already."""
    if "mlflow" in sys.modules:
        yield
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "mlops_kit.models", "record"],
        cwd=project().root,
        stdin=subprocess.PIPE,
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
            process.kill()
            process.communicate()


def record(run: str, metrics: dict[str, float]) -> None:
    """`log_metrics`, by the process that waits for it. Raises ServerError as that does."""
    if not _waiting:
        log_metrics(run, metrics)
        return
    process = _waiting[-1]
    said = process.communicate(json.dumps(dict(run=run, metrics=metrics)))[1].strip()
    if process.returncode:
        raise ServerError(said or "The metrics could not be recorded. Run the stage again: uv run poe repro")
    if said:
        print(said, file=sys.stderr)


def record_what_comes() -> None:
    """What that process does: load MLflow, wait for what to record on stdin, record it."""
    with in_a_sentence():
        client().search_experiments(max_results=1)
        text = sys.stdin.read()
        if text:  # else the stage was ended
            log_metrics(**json.loads(text))
