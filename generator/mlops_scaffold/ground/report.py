"""The one place that prints: a tick for what is done, a box for what a person must do. Quiet where nobody looks."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_scaffold.ground.errors import shown

TICK, BOX, WARNING, GOING = "✓", "☐", "!", "…"
EVERY = 4.0  # seconds between two lines of a long step


class Report:
    """What a command tells. With `quiet` only errors are said."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and not quiet
        self.detail = ""  # of the step that runs
        self.colour = self.live and not os.environ.get("NO_COLOR")

    def done(self, text: str) -> None:
        """Something is done."""
        self._line(TICK, text, "32")

    def todo(self, text: str) -> None:
        """Something for the person to do."""
        self._line(BOX, text, "36")

    def warn(self, text: str) -> None:
        """Something to look at."""
        self._line(WARNING, text, "33")

    def error(self, text: str) -> None:
        """Something failed; it is said even where nothing else is."""
        print(f"mlops: {shown(text)}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Something to know."""
        self._print(shown(text))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that takes time: named and timed while it runs, ticked and timed when it is done."""
        start, ended = time.monotonic(), threading.Event()
        self.detail = ""
        if self.live:
            print(f"{GOING} {name}", end="", file=sys.stderr, flush=True)
        teller = threading.Thread(target=self._tell, args=(name, start, ended), daemon=True)
        teller.start()
        try:
            try:
                yield
            finally:
                ended.set()
                teller.join()
        except BaseException:
            if self.live:
                print(file=sys.stderr)
            raise
        if self.live:
            print("\r\033[K", end="", file=sys.stderr)
        self.done(f"{name} ({time.monotonic() - start:.1f} s)")

    def detailed(self, text: str) -> None:
        """What the step that runs is doing, for its next line."""
        self.detail = text.removeprefix(f"{GOING} ")

    def _tell(self, name: str, start: float, ended: threading.Event) -> None:
        """Say every few seconds how long a step has taken; where somebody looks, in the same line."""
        while not ended.wait(EVERY):
            line = f"{GOING} {name} ({time.monotonic() - start:.0f} s)"
            line += f": {shown(self.detail)}" if self.detail else ""
            if self.live:
                wide = shutil.get_terminal_size().columns - 1
                print(f"\r\033[K{line[:wide]}", end="", file=sys.stderr, flush=True)
            else:
                self.say(line)

    def _line(self, mark: str, text: str, colour: str) -> None:
        if self.colour:
            mark = f"\033[{colour}m{mark}\033[0m"
        self._print(f"{mark} {shown(text)}")

    def _print(self, text: str) -> None:
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)
