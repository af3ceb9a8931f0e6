"""The example data, for a project that has none of its own yet."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from mlops_kit.contract import Contract
from mlops_kit.ground import KitError, project

BODY = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
CELLS = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave points", "symmetry", "fractal dimension"),
)


def write_example(contract: Contract) -> Path:
    """Write the example's raw file from a data set that scikit-learn carries: the same bytes on every machine.

    Its files are read directly: in a fresh environment, importing scikit-learn takes seconds.
    Raises KitError where it is not installed.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise KitError("The example data comes with scikit-learn, which is not installed.", "Install it: uv sync")
    folder = Path(found.origin).parent / "datasets/data"
    header, rows = diabetes(folder) if contract.source.example == "diabetes" else breast_cancer(folder)
    path = project().root / contract.source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(",".join(row) + "\n" for row in (header, *rows))
    return path


def diabetes(folder: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Ten measurements of each person, and how far the disease went within a year: a regression."""
    with gzip.open(folder / "diabetes_data_raw.csv.gz", "rt", encoding="ascii") as file:
        people = [line.split() for line in file]
    with gzip.open(folder / "diabetes_target.csv.gz", "rt", encoding="ascii") as file:
        progression = file.read().split()
    return [*BODY, "progression"], (numbers([*row, after]) for row, after in zip(people, progression, strict=True))


def breast_cancer(folder: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Thirty measurements of the cells of each tumour, and what it was: a classification."""
    lines = (folder / "breast_cancer.csv").read_text(encoding="ascii").splitlines()
    names = lines[0].split(",")[2:]
    header = [f"mean {of}" for of in CELLS] + [f"{of} error" for of in CELLS] + [f"worst {of}" for of in CELLS]
    rows = (line.split(",") for line in lines[1:])
    return [*header, "diagnosis"], ([*numbers(row[:-1]), names[int(row[-1])]] for row in rows)


def numbers(row: Iterable[str]) -> list[str]:
    """Each number as pandas writes it."""
    return [repr(float(value)) for value in row]
