"""Workers on this machine: processes, each with the objective in its memory and one thread to compute with."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlops_kit.search.objective import ONE_THREAD, Objective, Outcome, Task

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

LOST = Outcome(error="a worker process ended without an answer (out of memory?)", machine=True)
_objective: Objective


class Processes:
    """A pool of workers. One that dies takes the trials under way with it, and the pool is made anew."""

    def __init__(self, objective: Objective, workers: int) -> None:
        self.objective, self.workers = objective, workers
        # Read when a process starts, so before it loads anything that computes.
        os.environ.update(ONE_THREAD)
        self.start()

    def start(self) -> None:
        """A pool of as many processes as there are to be: fresh ones, no copies of this one."""
        context = multiprocessing.get_context("spawn")
        # What is passed to a process as it starts is waited for, one process after the other: this is not.
        objectives = context.Queue()
        objectives.cancel_join_thread()
        for _ in range(self.workers):
            objectives.put(self.objective)
        self.pool = ProcessPoolExecutor(self.workers, context, initializer=_receive, initargs=(objectives,))

    def run(self, tasks: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Try out some trials; each answer as it comes."""
        try:
            asked = {self.ask(task): task for task in tasks}
        except OSError as error:  # no process can be started
            self.close()
            self.start()
            yield from ((task, Outcome(error=f"{type(error).__name__}: {error}", machine=True)) for task in tasks)
            return
        for future in as_completed(asked):
            try:
                yield asked[future], future.result()
            except BrokenExecutor:
                yield asked[future], LOST

    def ask(self, task: Task) -> Future[Outcome]:
        """Give a trial to the pool, which is made anew where a worker has ended since: at work or without any."""
        with _interrupts_held():
            try:
                return self.pool.submit(_try_out, task)
            except BrokenExecutor:
                self.close()
                self.start()
                return self.pool.submit(_try_out, task)

    def close(self) -> None:
        """End the processes at once: nobody waits for what they still make."""
        for worker in multiprocessing.active_children():
            worker.terminate()
        self.pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C comes afterwards, and never to a process that is started meanwhile: it is the search that ends workers."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(objectives: Queue[Objective]) -> None:
    global _objective
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be held back from the start
    threading.Thread(target=_end_with_the_search, daemon=True).start()
    _objective = objectives.get()


def _end_with_the_search() -> None:
    """Wait until the search is gone, however it ended: a worker without one would wait forever."""
    search = multiprocessing.parent_process()
    if search is not None:
        search.join()
        os._exit(1)


def _try_out(task: Task) -> Outcome:
    return _objective.try_out(task)
