"""Run the pipeline."""

import signal
import sys

from mlops_kit.contract import load
from mlops_kit.data import has_data, has_remote
from mlops_kit.ground import KitError, check_settled, main_root, project, run_openly, say

STAGES = ("prepare", "train", "evaluate")


def repro(options: list[str]) -> int:
    """Run the pipeline by DVC; without the data and without a remote, its stages on generated rows. The exit code."""
    check_settled()
    if has_data(load()) or has_remote():
        return run_to_its_end(sys.executable, "-m", "dvc", "repro", *options)
    main = main_root(project().root)
    if main != project().root and (main / load().source.path).exists():
        raise KitError(f"This worktree does not share the data of {main} yet.", "Set it up: uv run poe setup")
    say("pipeline", "the data is not here and no DVC remote has it: the stages run on generated rows")
    for stage in STAGES:
        code = run_to_its_end(sys.executable, "-m", f"{project().package}.{stage}")
        if code:
            return code
    return 0


def run_to_its_end(*command: str) -> int:
    """Run DVC, or a stage. Ctrl-C is theirs to hear: they put away what they hold, and we say what is now.

    Gives back the exit code. Raises KitError where it was stopped.
    """
    stopped: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    try:
        code = run_openly(*command)
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped and code:
        raise KitError(
            "Stopped. Stages that were done are kept; what the stopped one was to write (model/ or metrics.json) comes "
            "back when you go on: uv run poe repro"
        )
    return code
