"""Ask and tell: which trials are made, and in which order they are learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

from mlops_kit.search import SearchError
from mlops_kit.search.objective import Outcome, Task

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

    from mlops_kit.search.record import Record
    from mlops_kit.search.space import Settings

# Tries out some trials, and gives each answer as it comes, in any order.
Workers = Callable[[list[Task]], Iterator[tuple[Task, Outcome]]]
ATTEMPTS = 3
FEWEST = 5  # trials by which another one can be called hopeless


def search(settings: Settings, record: Record, workers: Workers, trials: int) -> FrozenTrial:
    """Make the trials that are missing of so many, and give back the best of all.

    The study is made anew each time: it asks for the same trials, and those that are recorded are told without being
    made again. So a search that was killed anywhere goes on as if it had not been.
    """
    study = new_study(settings, record.start)
    done = record.trials()
    for first in range(0, trials, settings.batch):
        floors = floors_after(study)
        asked = [study.ask(settings.space) for _ in range(min(settings.batch, trials - first))]
        tasks = [Task(trial.number, trial.params, floors) for trial in asked]
        missing = [task for task in tasks if done.get(task.number, ({},))[0] != task.parameters]
        for task, outcome in answers(workers, missing):
            record.write(task, outcome)
            done[task.number] = (task.parameters, outcome)
            print(line(settings, task, outcome), flush=True)
        for trial in asked:
            tell(study, trial, done[trial.number][1], settings.folds)
        if not any(trial.values for trial in study.trials):
            raise SearchError(f"No trial of the first batch could be made. The first: {done[0][1].error}")
    return study.best_trial


def new_study(settings: Settings, start: dict[str, Any]) -> Study:
    """A study that knows nothing yet; its first trial is what params.yaml has, where the space has a place for it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=settings.seed))
    if all(holds(settings.space[name], value) for name, value in start.items()):
        study.enqueue_trial(start)
    return study


def holds(space: Any, value: Any) -> bool:
    """Whether a range has a value."""
    if isinstance(space, CategoricalDistribution):
        return value in space.choices
    return isinstance(value, int | float) and space.low <= value <= space.high


def floors_after(study: Study) -> tuple[float, ...]:
    """The median of the means after each fold, as far as enough trials got there.

    This is Optuna's median rule, reckoned between batches, so that it does not depend on who is faster.
    """
    floors: list[float] = []
    while True:
        told = [trial.intermediate_values.get(len(floors)) for trial in study.trials]
        means = [mean for mean in told if mean is not None]
        if len(means) < FEWEST:
            return tuple(floors)
        floors.append(median(means))


def answers(workers: Workers, tasks: list[Task]) -> Iterator[tuple[Task, Outcome]]:
    """Each trial's outcome as it comes. What failed is tried again; parameters that fail each time are an outcome too.

    Raises SearchError where the machine is at fault each time: that trial is not written, so it is made another time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        failed: dict[int, tuple[Task, Outcome]] = {}
        for task, outcome in workers(tasks):
            if outcome.error and (outcome.machine or attempt < ATTEMPTS):
                failed[task.number] = (task, outcome)
            else:
                yield task, outcome
        if not failed:
            return
        tasks = [task for _, (task, _) in sorted(failed.items())]
    task, outcome = failed[tasks[0].number]
    raise SearchError(
        f"Trial {task.number} could not be made in {ATTEMPTS} attempts: {outcome.error}. "
        "The finished trials are kept; the same command goes on from there."
    )


def tell(study: Study, trial: Trial, outcome: Outcome, folds: int) -> None:
    """Tell the study how a trial went: it is complete, was stopped early, or failed."""
    for step in range(len(outcome.scores)):
        trial.report(fmean(outcome.scores[: step + 1]), step)
    if outcome.error:
        study.tell(trial, state=TrialState.FAIL)
    elif len(outcome.scores) < folds:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, fmean(outcome.scores))


def line(settings: Settings, task: Task, outcome: Outcome) -> str:
    """One trial, as it is printed."""
    if outcome.error:
        return f"trial {task.number}: failed, {outcome.error}"
    early = len(outcome.scores) < settings.folds
    stopped = f", stopped after {len(outcome.scores)} of {settings.folds} folds" if early else ""
    return f"trial {task.number}: {settings.metric} {fmean(outcome.scores):.4f}{stopped}, {outcome.seconds:.1f} s"
