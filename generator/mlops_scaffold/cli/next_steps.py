"""What to do next, said at the end of `new` and `setup`."""

import shlex
import shutil
from pathlib import Path

from mlops_scaffold import process
from mlops_scaffold.report import Report


def next_steps(report: Report, folder: Path, set_up: bool, trained: bool, options: str = "") -> None:
    """Boxes to tick, in order."""
    report.say("\nNext:")
    if not shutil.which("uv"):
        report.todo(f'put uv on your PATH: export PATH="{Path(process.uv()).parent}:$PATH"')
    report.todo(f"cd {shlex.quote(str(folder))}")
    if not set_up:
        report.todo(f"mlops setup{options}")
        return
    if not trained:
        report.todo("uv run poe repro     train a first model")
        report.todo("uv run poe register  then `uv run poe promote`: make it the champion")
    report.todo("uv run poe test      test code, data and model")
    report.todo("uv run poe           see all tasks; README.md explains them")
