"""Run the tests of several projects, each as `pytest` does in it: python -m tests.kit.own_tests FOLDER...

What all of them import is loaded once; each project then has a process of its own, made of this one.
"""

import importlib
import json
import os
import sys
from pathlib import Path

import pytest

SHARED = (
    *("mlflow.sklearn", "pandera.pandas", "sklearn.ensemble", "skops.io", "starlette.testclient"),
    *("mlops_kit.serving.app", "mlops_kit.testing.services"),
)
RESULT = "own-tests.json"


class Outcomes:
    """A plugin of pytest that keeps each test's outcome."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what ends a test."""
        name = report.nodeid.rpartition("::")[2]
        if report.when == "call" or report.outcome != "passed":
            self.found[name] = report.outcome if report.outcome != "failed" else str(report.longrepr)


def run(folder: Path) -> None:
    """The tests of one project; what came of them is in its own-tests.json."""
    os.chdir(folder)
    outcomes = Outcomes()
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:timeout"], plugins=[outcomes])
    (folder / RESULT).write_text(json.dumps(dict(code=int(code), tests=outcomes.found)), encoding="utf-8")


def main() -> None:
    """Run them, one project after the other."""
    folders = [Path(name) for name in sys.argv[1:]]
    if len(folders) == 1:
        run(folders[0])
        return
    for name in SHARED:
        importlib.import_module(name)
    for folder in folders:
        child = os.fork()
        if not child:
            run(folder)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
