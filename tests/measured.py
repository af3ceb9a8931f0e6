"""Measures which lines a program runs that a test starts; slipcover itself measures the tests' own processes alone.

With `make test COVERAGE=1` each Python of the library's tests runs this file at its start, by measured.pth in their
site-packages, which a Python may read twice. What it finds lies beside what pytest's cores found, named as that is.
"""

import atexit
import json
import os
from pathlib import Path

import slipcover
from slipcover.importer import SlipcoverLoader

ROOT = Path(__file__).parents[1]

os.environ.pop("SLIPCOVER_ENABLED", None)  # a pytest of this program must not take itself for a core of ours
source = [ROOT / folder for folder in os.environ["SLIPCOVER_SOURCE"].split(",")]
lines = slipcover.Slipcover()
# `python -m` asks for the code of the module that it runs, and does not import it.
SlipcoverLoader.get_code = lambda self, name: lines.instrument(self.orig_loader.get_code(name))
slipcover.ImportManager(lines, slipcover.FileMatcher(source)).__enter__()


@atexit.register
def write() -> None:
    """Write the lines that were run; files are named from the root, as in what the cores write."""
    os.chdir(ROOT)
    found = Path(os.environ["SLIPCOVER_COVERAGE_DIR"]) / f"coverage-gw-{os.getpid()}.json"
    found.write_text(json.dumps(lines.get_coverage()), encoding="utf-8")
