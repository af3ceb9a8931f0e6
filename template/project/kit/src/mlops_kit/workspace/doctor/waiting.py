"""Calls that may hang, each with a time limit."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 10  # seconds until a remote or a server counts as not reachable
A_MOMENT = 2  # seconds until a program on this machine does


def within(seconds: float, act: Callable[[], object]) -> object:
    """The outcome of a call that may hang. Raises TimeoutError."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(act).result(seconds)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def answers(url: str, seconds: float) -> bool:
    """Whether a program answers an address in time, with no error."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except OSError:
        return False
