"""Reading a million rows of 20 columns: infer and read, against Arrow's reading and one pass of pandas over them.

    .venv-kit/bin/python benchmarks/reading.py [ROWS]

Prints the ratio. The pass of pandas does what any reader of types must do: numbers from strings, days from strings,
and the different values of words.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
from mlops_kit.contract.infer import infer
from pyarrow import csv


def write(path: Path, rows: int) -> None:
    """12 columns of numbers, 4 of words, 2 of dates, one of truths, and the target."""
    draw = np.random.default_rng(0)
    data = {f"number {n}": draw.normal(size=rows).round(4) for n in range(8)}
    data |= {f"whole {n}": draw.integers(0, 10**6, rows) for n in range(4)}
    data |= {f"word {n}": draw.choice(["red", "green", "blue", "grey"], rows) for n in range(4)}
    days = np.datetime64("2020-01-01") + draw.integers(0, 1500, rows).astype("timedelta64[D]")
    data |= {"day 0": days, "day 1": days[::-1], "member": draw.choice(["yes", "no"], rows)}
    data["label"] = draw.choice(["a", "b"], rows)
    csv.write_csv(arrow.table(data), path)


def floor(path: Path) -> None:
    """Arrow reads strings, pandas passes over the columns once."""
    with path.open(encoding="utf-8") as file:
        names = file.readline().strip().replace('"', "").split(",")
    strings = csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.string()))
    frame = csv.read_csv(path, convert_options=strings).to_pandas()
    for name in frame.columns:
        kind = name.split()[0]
        if kind in ("number", "whole"):
            pd.to_numeric(frame[name])
        elif kind == "day":
            pd.to_datetime(frame[name], format="%Y-%m-%d")
        else:
            frame[name].unique()


def ours(path: Path) -> None:
    """The contract is inferred, and the file read by it."""
    contract, _ = infer(path, "label")
    contract.read(path)


def seconds(function: Callable[[Path], None], path: Path) -> float:
    """The faster of two runs."""
    found = []
    for _ in range(2):
        start = time.perf_counter()
        function(path)
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    """Write the file, time both, print the ratio."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write(path, rows)
        least, taken = seconds(floor, path), seconds(ours, path)
    print(f"{rows} rows of 20 columns: {taken:.2f} s to infer and read, {least:.2f} s by Arrow and pandas")
    print(f"{taken / least:.2f}x")


if __name__ == "__main__":
    main()
