"""How a function becomes a command: what is wrong is one sentence, and no traceback."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from functools import wraps

from mlops_kit.ground.errors import KitError

PROXIES = ("http_proxy", "https_proxy", "all_proxy")
THIS_MACHINE = "127.0.0.1,::1,localhost"
# When the garbage collector runs. By default, a short command spends a tenth of its time and more on scanning imported
# modules, none of which is garbage. Young objects are still collected, so a stage needs no more memory.
COLLECT_EVERY = (100_000, 50, 1_000)
INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate the `main` of a module: a KitError becomes a sentence on stderr and exit code 1.

    A proxy of the surroundings is not asked for this machine's own services.
    """

    @wraps(main)
    def run() -> None:
        bypass_proxies()
        gc.set_threshold(*COLLECT_EVERY)
        atexit.register(gc.freeze)  # else Python ends by looking for garbage in all that was loaded: MLflow takes 0.6 s
        try:
            main()
        except KitError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `| head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return run


def bypass_proxies() -> None:
    """Reach this machine's services directly, in this process and all that it starts, where a proxy is set."""
    if not any(os.environ.get(each) or os.environ.get(each.upper()) for each in PROXIES):
        return
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if said != "*" and THIS_MACHINE not in said:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [said, THIS_MACHINE]))
