"""A limit on what rendering a template may cost: a loop without an end, or a text without one, is an error."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlops_scaffold.ground.errors import MlopsError

SECONDS = 60  # of the processor: a busy machine does not matter
BYTES = 2 * 2**30  # more than the program has when it begins
STEP = "Do not use this template, or give it more seconds: MLOPS_RENDER_TIMEOUT."


@contextmanager
def bounded() -> Iterator[None]:
    """Limit the time and memory of what is done within. Raises MlopsError where it takes more.

    Windows has no such limits, and only the main thread of a program can be told of them.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource

    seconds = limit()

    def stop(_: int, __: FrameType | None) -> None:
        raise MlopsError(f"The template does not render within {seconds:g} seconds.", STEP)

    before, memory = signal.signal(signal.SIGVTALRM, stop), resource.getrlimit(resource.RLIMIT_AS)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1)  # again: a filter may swallow the error
        if taken := taken_bytes():
            most = taken + BYTES
            resource.setrlimit(resource.RLIMIT_AS, (most if memory[1] < 0 else min(most, memory[1]), memory[1]))
        yield
    except MemoryError:
        raise MlopsError("The template needs more than 2 GB of memory to render.", "Do not use it.") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, memory)


def limit() -> float:
    """Seconds of the processor that a rendering may take. Raises MlopsError for a setting that is no number."""
    given = os.environ.get("MLOPS_RENDER_TIMEOUT") or str(SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 10**6:
        raise MlopsError(f"MLOPS_RENDER_TIMEOUT is {given!r}, which is no number of seconds.", "For example: 120")
    return seconds


def taken_bytes() -> int:
    """The address space that this program has; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # read on every command
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
