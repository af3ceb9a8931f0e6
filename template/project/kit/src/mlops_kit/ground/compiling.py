"""Compile the modules of a fresh environment in the background: otherwise, each command waits while Python does it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from mlops_kit.ground.project import project

LAST = "skops"  # of TRAINING: once it is compiled, the rest is
# What a training loads. SciPy comes first: a stage that is compiling at the same time begins with pandas.
TRAINING = (
    "scipy.stats",
    "sklearn.metrics",
    "pandas",
    "pyarrow.csv",
    "pyarrow.parquet",
    "mlops_kit.blending",
    "mlops_kit.features",
    "skops.io",
)
SAVING = "mlflow.sklearn"
FIRST_MODEL = ("mlflow.store.tracking.sqlalchemy_store", *TRAINING)  # MLflow first: it takes as long as the rest


@contextmanager
def compiling(*modules: str) -> Iterator[None]:
    """Compile these modules in the background, by a process that imports them, unless LAST is compiled already."""
    last = find_spec(LAST)
    if sys.dont_write_bytecode or last is None or last.cached is None or Path(last.cached).exists():
        yield
        return
    command, quiet = [sys.executable, "-c", f"import {', '.join(modules)}"], subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=project().root, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.kill()  # the rest is compiled when it is loaded
        process.wait()
