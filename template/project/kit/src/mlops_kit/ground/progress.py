"""What a long stage is doing: a line on stderr every few seconds, with the rows and the time that it has taken."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 4.0  # seconds

_now: list[str] = [""]


def doing(what: str, rows: int | None = None) -> None:
    """Note what the stage does from now on, and with how many rows."""
    _now[0] = what if rows is None else f"{what}, {rows:,} rows"


@contextmanager
def reporting(stage: str) -> Iterator[None]:
    """Write what a stage is doing, from time to time until it is done; a short one writes nothing."""
    doing("start")
    start, ended = time.monotonic(), threading.Event()

    def tell() -> None:
        while not ended.wait(EVERY):
            print(f"… {stage}: {_now[0]}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
