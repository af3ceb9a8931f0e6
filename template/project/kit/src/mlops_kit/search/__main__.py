"""The command: uv run poe search --trials N.

On this machine, in one process a core; where RAY_ADDRESS names a Ray cluster, there. The winner goes into params.yaml.
"""

from __future__ import annotations

import argparse
import atexit
import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING, NoReturn

from filelock import FileLock, Timeout

from mlops_kit import models
from mlops_kit.ground import command, params, project
from mlops_kit.search import SearchError
from mlops_kit.search.objective import read_objective
from mlops_kit.search.space import Settings, read_settings, write_winner

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from mlops_kit.search.cluster import Cluster
    from mlops_kit.search.processes import Processes


def run(trials: int, workers: int) -> str:
    """Search, write the winner. Gives back what to tell."""
    settings = read_settings(params())
    if not (project().root / "data/prepared/train.parquet").exists():
        raise SearchError("There is no training part yet. Make it: uv run poe repro")
    from mlops_kit.search.loop import search
    from mlops_kit.search.record import Record

    # The cluster is looked at before anything is written.
    with closing(workers_for(settings, workers)) as crew:
        record = Record(settings)
        best = search(settings, record, crew.run, trials)
    record.close(best.params, best.value or 0.0, trials)
    return conclude(settings, best)


def workers_for(settings: Settings, workers: int) -> Cluster | Processes:
    """Processes of this machine, or the cluster that RAY_ADDRESS names."""
    objective = read_objective(settings)
    if os.environ.get("RAY_ADDRESS"):
        from mlops_kit.search.cluster import Cluster

        return Cluster(objective)
    from mlops_kit.search.processes import Processes

    return Processes(objective, max(1, min(workers, settings.batch)))


def conclude(settings: Settings, best: FrozenTrial) -> str:
    """Write the winner into params.yaml; what to tell."""
    found = f"the best is trial {best.number}: {settings.metric} {best.value:.4f}, the mean over {settings.folds} folds"
    if write_winner(best.params):
        return f"{found}\nparams.yaml has its values now. Next: uv run poe repro"
    return f"{found}\nparams.yaml has its values already."


def stop(*_: object) -> NoReturn:
    """Ctrl-C, once: poe sends it again while we end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def end() -> None:
    """After Ctrl-C, do not put all modules away: that takes a second, and poe kills what has not ended by then."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


@command
def main() -> None:
    """Parse the command line and search; a sentence on failure."""
    parser = argparse.ArgumentParser(prog="poe search", description="Search for better parameters.")
    parser.add_argument("--trials", type=int, default=20, help="how many in all, those made before included (20)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes, one a core by default")
    options = parser.parse_args()
    if options.trials < 1:
        parser.error("--trials is 1 or more")
    atexit.register(end)  # the first one that is registered is the last one called
    signal.signal(signal.SIGINT, stop)
    try:
        with models.in_a_sentence(), FileLock(models.home() / ".search.lock", timeout=0):
            print(run(options.trials, options.workers))
    except Timeout:
        raise SearchError("Another search is running in this project.", "Wait for it, or stop it.") from None
    except KeyboardInterrupt:
        raise SearchError("Stopped. The finished trials are kept; the same command goes on from there.") from None


if __name__ == "__main__":
    main()
