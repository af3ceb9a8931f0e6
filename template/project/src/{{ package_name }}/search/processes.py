"""Workers on this machine: processes, each with the objective in its memory and one thread to compute with."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed

from .objective import ONE_THREAD, Objective, Outcome, Task

LOST = Outcome(error="a worker process ended without an answer (out of memory?)", machine=True)
_objective: Objective


class Processes:
    """A pool of workers. One that dies takes its trial with it, and the pool is made anew."""

    def __init__(self, objective: Objective, workers: int) -> None:
        self.objective, self.workers = objective, workers
        # Read when a process starts, so before it loads anything that computes.
        os.environ.update(ONE_THREAD)
        self.start()

    def start(self) -> None:
        """Start as many processes as there are to be: fresh ones, no copies of this one."""
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(self.workers, context, initializer=_receive, initargs=(self.objective,))

    def run(self, tasks: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Try out some trials; each answer as it comes."""
        asked = {self.pool.submit(_try_out, task): task for task in tasks}
        broken = False
        for future in as_completed(asked):
            try:
                yield asked[future], future.result()
            except BrokenExecutor:
                broken = True
                yield asked[future], LOST
        if broken:
            self.close()
            self.start()

    def close(self) -> None:
        """End the processes; what has not begun is dropped."""
        self.pool.shutdown(wait=True, cancel_futures=True)


def _receive(objective: Objective) -> None:
    global _objective
    _objective = objective
    threading.Thread(target=_end_with_the_search, daemon=True).start()


def _end_with_the_search() -> None:
    """Wait until the search is gone, however it ended: a worker without one would wait forever."""
    search = multiprocessing.parent_process()
    if search is not None:
        search.join()
        os._exit(1)


def _try_out(task: Task) -> Outcome:
    return _objective.try_out(task)
