"""A stage of the pipeline: what prepare.py, train.py and evaluate.py of a project are."""

import os
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from mlops_kit.contract import load
from mlops_kit.ground import KitError, command, project, reporting
from mlops_kit.ground.compiling import SAVING, TRAINING, compiling
from mlops_kit.models import in_a_sentence, reach_server, recorder
from mlops_kit.training.deciding import wanted
from mlops_kit.training.metrics import check_slices, metric_names, positive_class, scorer

RECORDING = ("train", "evaluate")  # the stages that record a run as the last thing they do


def stage(work: Callable[[], None]) -> Callable[[], None]:
    """Decorate the function of a stage: what is wrong with data, model or server becomes one sentence."""

    @wraps(work)
    def run() -> None:
        try:
            with in_a_sentence(), reporting(work.__name__):
                reach_server()  # one that is away is named before the work, not after it
                with recorder() if work.__name__ in RECORDING else compiling(*TRAINING, SAVING):
                    known_metrics()
                    work()
        except FileNotFoundError as error:
            raise KitError(f"{error.filename or error} is missing.", "Run all stages: uv run poe repro") from None
        except KitError:
            raise
        except Exception as error:
            place = in_own_code(error)
            if not place or os.environ.get("TRACEBACK"):
                raise
            told = " ".join(str(error).split()).rstrip(".")
            raise KitError(
                f"{place}: {type(error).__name__}: {told}.", "All of it: TRACEBACK=1 uv run poe repro"
            ) from None

    return command(run)


def known_metrics() -> None:
    """Look for each metric of params.yaml, the positive class and the threshold. Raises MetricError for a wrong one."""
    contract = load()
    for name in metric_names():
        scorer(name, contract)
    positive_class(contract)
    wanted(contract)
    check_slices(contract)


def in_own_code(error: Exception) -> str:
    """The innermost line of the project's own code that an error came through; empty where it came through none."""
    own = (project().root / "src").resolve()
    lines = [line for line in traceback.extract_tb(error.__traceback__) if Path(line.filename).is_relative_to(own)]
    if not lines:
        return ""
    return f"{Path(lines[-1].filename).relative_to(own.parent).as_posix()}, line {lines[-1].lineno}"
