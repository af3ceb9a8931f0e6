"""One trial: the primary metric on each fold of the training part. The test part is not looked at."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract, load
from mlops_kit.data import Rule, folds_of, train_part
from mlops_kit.ground import Project, project, using
from mlops_kit.search import SearchError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlops_kit.search.space import Settings

# One thread a worker, whatever counts in threads: as many workers as cores are faster, and sums come out the same.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
)


@dataclass(frozen=True)
class Task:
    """What a worker is asked: a trial's number and parameters, and below which mean after each fold it is hopeless."""

    number: int
    parameters: dict[str, Any]
    floors: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What a worker answers: the metric on each fold that was measured, or why there is none."""

    scores: tuple[float, ...] = ()
    seconds: float = 0.0
    error: str = ""
    machine: bool = False  # the error is of the machine (a full disk, a lost node), not of the parameters


@dataclass(frozen=True)
class Objective:
    """The training part and how it is measured. It goes to every worker once."""

    project: Project  # a worker on another machine is in no project's folder
    contract: Contract
    frame: pd.DataFrame
    folds: np.ndarray
    metric: str
    fixed: dict[str, Any]
    ordered: bool = False  # folds follow each other in time, and a model learns from the earlier ones alone

    def try_out(self, task: Task) -> Outcome:
        """Measure one trial, and never raise: an error has to find its way through processes and networks."""
        started = time.perf_counter()
        try:
            with (
                using(self.project),
                warnings.catch_warnings(action="ignore"),
            ):  # the same ones for every fold of every trial
                scores = self.measure(task)
        except (OSError, MemoryError) as error:
            return Outcome(error=f"{type(error).__name__}: {error}", machine=True)
        except Exception as error:
            return Outcome(error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return Outcome(scores, time.perf_counter() - started)

    def measure(self, task: Task) -> tuple[float, ...]:
        """The metric on each fold: greater is better. Fewer folds where the trial became hopeless."""
        from mlops_kit.training import score

        scores: list[float] = []
        for fold in range(self.folds.max() + 1):
            learnt = self.folds < fold if self.ordered else self.folds != fold
            train, test = self.frame[learnt], self.frame[self.folds == fold]
            model = self.project.model.build(self.contract, {**self.fixed, **task.parameters})
            model.fit(self.contract.coerce(train), self.contract.labels(train))
            scores.append(score(model, self.contract, test, [self.metric])[self.metric])
            if scores[-1] != scores[-1]:
                raise ValueError(f"{self.metric} is not a number on fold {fold + 1}")
            if is_hopeless(scores, task.floors):
                break
        return tuple(scores)


def is_hopeless(scores: list[float], floors: tuple[float, ...]) -> bool:
    """Whether the mean so far is below what half of the earlier trials had after as many folds."""
    return len(scores) <= len(floors) and fmean(scores) < floors[len(scores) - 1]


def read_objective(settings: Settings) -> Objective:
    """The objective for the prepared training part. Raises SearchError where it cannot be split."""
    contract = load()
    frame = train_part(contract)
    folds = assign_folds(contract, frame, settings.folds, settings.seed)
    ordered = Rule.read().by == "time" and Rule.read().column in frame
    return Objective(project(), contract, frame, folds, settings.metric, settings.fixed, ordered)


def assign_folds(contract: Contract, frame: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """Each row's fold by the rule of the split: int, shape (rows,); -1 for the first rows of a split by time."""
    try:
        return folds_of(contract, frame, folds, seed)
    except ValueError as error:
        raise SearchError(f"The training part cannot be split into {folds} folds: {error}") from None
