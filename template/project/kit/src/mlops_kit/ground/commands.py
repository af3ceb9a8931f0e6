"""How a function becomes a command: what is wrong is one sentence, and no traceback."""

import os
import sys
from collections.abc import Callable
from functools import wraps

from mlops_kit.ground.errors import KitError

INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate the `main` of a module: a KitError becomes a sentence on stderr and exit code 1."""

    @wraps(main)
    def run() -> None:
        try:
            main()
        except KitError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `| head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return run
