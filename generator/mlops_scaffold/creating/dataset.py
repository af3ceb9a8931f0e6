"""A data file is looked at before the project exists, by the template's own code in an environment of its own."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError

LIBRARY = "template/project/kit/src"  # where the template has its library
# The bytecode of packages stays in uv's environment for the next time; the template's folder gets none.
LOOK = """
import pandas, pyarrow.csv, runpy, sys
sys.dont_write_bytecode = True
runpy.run_module("mlops_kit.contract.infer", run_name="__main__", alter_sys=True)
"""
PACKAGES = ("charset-normalizer>=3.4,<4", "pandas>=3,<4", "pyarrow>=21,<26", "pyyaml>=6,<7")


@dataclass(frozen=True)
class Dataset:
    """What a data file turned out to hold; findings are (level, text)."""

    path: Path
    target: str
    problem: str
    rows: int
    columns: int
    findings: tuple[tuple[str, str], ...]
    contract: str = ""  # the text of contract.yaml; empty where the template's library does not tell it
    state: tuple[int, int] = (0, 0)  # of the file when it was looked at


@contextmanager
def handed_over(dataset: Dataset | None, problem: str) -> Iterator[list[str]]:
    """Options by which a project takes the contract that was inferred; none where it is of another file or problem."""
    if not (dataset and dataset.contract and dataset.problem == problem and state_of(dataset.path) == dataset.state):
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="mlops-inspect-") as folder:
        file = Path(folder) / "contract.yaml"
        file.write_text(dataset.contract, encoding="utf-8")
        yield [f"--contract={file}"]


def state_of(path: Path) -> tuple[int, int]:
    """The size of a file, in bytes, and when it was written, in ns."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def inspect(
    template: Path, path: Path, target: str | None, problem: str | None, watch: Callable[[str], None] | None = None
) -> Dataset:
    """Infer the contract of a file without writing anything; `watch` is given what is done meanwhile.

    Raises MlopsError for a file that cannot serve.
    """
    if not path.is_file():
        raise MlopsError(f"There is no file {path}.", "Check the path that follows --dataset.")
    library = template / LIBRARY
    if not any((library / "mlops_kit/contract" / name).is_file() for name in ("infer/__main__.py", "infer.py")):
        raise MlopsError("--dataset is for the mlops template: this one looks at no data.", "Leave it out.")
    state = state_of(path)
    with tempfile.TemporaryDirectory(prefix="mlops-inspect-") as folder:
        with_packages = [part for name in PACKAGES for part in ("--with", name)]
        command = [process.uv(), "run", "--quiet", "--no-project", "--no-config", *with_packages, "python"]
        command += ["-c", LOOK, str(path.resolve()), "--json", "--check"]
        command += [f"--target={target}"] if target is not None else []
        command += ["--problem", problem] if problem else []
        env = {**process.project_environment(), "PYTHONPATH": str(library)}
        done = process.run(command, cwd=Path(folder), env=env, alone=True, watch=watch)
    try:
        report = json.loads(done.output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        lines = done.errors.strip().splitlines() or ["no reason given"]
        raise MlopsError(f"{path.name} could not be looked at: {lines[-1].strip()}", "Is there a network?") from None
    if "error" in report:
        raise MlopsError(report["error"], report["next"])
    findings = tuple((finding["level"], finding["text"]) for finding in report["findings"])
    counts = report["rows"], report["columns"]
    contract = report.get("contract", "")
    return Dataset(path.resolve(), str(target), report["problem"], *counts, findings, contract, state)
