"""The search's memory: one run in MLflow for the search, one child run a trial.

A trial is written when it is finished. A search that is begun again finds its trials here, wherever they were made, and
goes on with those that are missing.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlops_kit import models
from mlops_kit.data.batches import rows_in_memory
from mlops_kit.ground import project
from mlops_kit.search.objective import Outcome, Task

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.entities import Run

    from mlops_kit.search.space import Settings

PARENT = "mlflow.parentRunId"


def digest(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(settings: Settings) -> str:
    """What makes two searches the same one: space, data, code and the packages that compute. sha256, hexadecimal."""
    from importlib.metadata import version

    from mlops_kit.models import requirements

    package = project().root / "src" / project().package
    code = [package / name for name in ("features.py", "model.py", "prepare.py")]
    files = [project().root / "contract.yaml", project().root / "data/prepared/train.parquet", *code]
    told = dict(
        space={name: repr(row) for name, row in settings.space.items()},
        settings=[settings.seed, settings.batch, settings.folds, settings.metric, settings.fixed],
        files=[digest(file) for file in files],
        rows=rows_in_memory(),  # of large data, a trial is tried out on so many
        packages=[*requirements(), f"optuna=={version('optuna')}"],
    )
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Record:
    """One search in MLflow: the run that was begun before, or a new one."""

    def __init__(self, settings: Settings) -> None:
        self.client, self.experiment, self.metric = models.client(), models.experiment_id(), settings.metric
        mark = fingerprint(settings)
        found = self.client.search_runs([self.experiment], f"tags.search = '{mark}'", max_results=1)
        self.run = found[0] if found else self._begin(mark, settings)
        # The first trial is what params.yaml had when the search began.
        self.start: dict[str, Any] = json.loads(self.run.data.tags["search.start"])

    def _begin(self, mark: str, settings: Settings) -> Run:
        tags = {"search": mark, "search.start": json.dumps(settings.start), "search.seed": str(settings.seed)}
        tags |= {"git_commit": models.git_commit(), "data_md5": models.data_md5()}
        return self.client.create_run(self.experiment, run_name=f"search {mark[:7]}", tags=tags)

    def trials(self) -> dict[int, tuple[dict[str, Any], Outcome]]:
        """The finished trials: parameters and outcome by number. What a kill left half written is completed."""
        found: dict[int, tuple[dict[str, Any], Outcome]] = {}
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], f"tags.`{PARENT}` = '{self.run.info.run_id}'", max_results=500, page_token=token
            )
            for run in page:
                told = json.loads(run.data.tags["trial"])
                task, outcome = Task(**told["task"]), Outcome(**told["outcome"])
                if run.info.status == "RUNNING":
                    self._complete(run.info.run_id, task, outcome)
                found[task.number] = (task.parameters, outcome)
            token = page.token
            if not token:
                return found

    def write(self, task: Task, outcome: Outcome) -> None:
        """Keep a finished trial: whole by its first write, then what people look at."""
        told = dict(task=asdict(task), outcome=asdict(outcome))
        started = int((time.time() - outcome.seconds) * 1000)
        tags = {PARENT: self.run.info.run_id, "trial": json.dumps(told)}
        run = self.client.create_run(self.experiment, started, tags, f"trial {task.number}").info.run_id
        self._complete(run, task, outcome)

    def _complete(self, run: str, task: Task, outcome: Outcome) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        means = [fmean(outcome.scores[: count + 1]) for count in range(len(outcome.scores))]
        self.client.log_batch(
            run,
            metrics=[Metric(self.metric, value, now, step) for step, value in enumerate(means)],
            params=[Param(name, str(value)) for name, value in task.parameters.items()],
        )
        self.client.set_terminated(run, "FAILED" if outcome.error else "FINISHED")

    def close(self, best: dict[str, Any], value: float, trials: int) -> None:
        """Say on the search's own run what came of it."""
        self.client.set_tag(self.run.info.run_id, "search.best", json.dumps(best))
        self.client.log_metric(self.run.info.run_id, self.metric, value, step=trials)
        self.client.set_terminated(self.run.info.run_id)
