"""A stage of the pipeline: what prepare.py, train.py and evaluate.py of a project are."""

from collections.abc import Callable
from functools import wraps

from mlops_kit.ground import KitError, command
from mlops_kit.contract import load
from mlops_kit.models import client, in_a_sentence
from mlops_kit.training.metrics import metric_names, scorer


def stage(work: Callable[[], None]) -> Callable[[], None]:
    """Decorate the function of a stage: what is wrong with data, model or server becomes one sentence."""

    @wraps(work)
    def run() -> None:
        try:
            with in_a_sentence():
                client()  # a server that is away is told before the work, not after it
                known_metrics()
                work()
        except FileNotFoundError as error:
            raise KitError(f"{error.filename or error} is missing.", "Run all stages: uv run poe repro") from None

    return command(run)


def known_metrics() -> None:
    """Look for each metric of params.yaml. Raises MetricError for one that there is not."""
    contract = load()
    for name in metric_names():
        scorer(name, contract)
