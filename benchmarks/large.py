"""What training on a table costs in memory, read whole and in batches: peaks of two sizes, and how they grow.

    python benchmarks/large.py

A project with LightGBM and `compute: ray`, on 30 columns of numbers. A pass in batches may have 200,000 rows in memory.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlops_scaffold.ground import process

HERE = Path(__file__).parent
SIZES = (1_000_000, 3_000_000)
STAGES = (("wide.prepare",), ("wide.train",), ("wide.evaluate",))
WRITE = """
import sys
import numpy as np
import pyarrow as arrow
from pyarrow.parquet import ParquetWriter

rows, random, schema = int(sys.argv[1]), np.random.default_rng(0), None
schema = arrow.schema({**{f"c{i}": arrow.float32() for i in range(30)}, "y": arrow.int64()})
with ParquetWriter(sys.argv[2], schema) as file:
    for _ in range(0, rows, 500_000):
        columns = [random.random(500_000).astype("float32") for _ in range(30)]
        y = (columns[0] + columns[1] * columns[2] + random.random(500_000) > 1.25).astype("int64")
        file.write_table(arrow.table([*columns, y], schema))
"""


def inside(project: Path, *arguments: str) -> tuple[float, float]:
    """Run Python in the project's environment: the most that it had in memory, in MB, and its seconds."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [project / ".venv/bin/python", *arguments], cwd=project, env=process.project_environment(), stdout=sys.stderr
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"the measurement failed: {arguments}")
    return usage.ru_maxrss / 2**10, time.perf_counter() - start


def measure(project: Path, rows: int, in_memory: int) -> list[tuple[float, float]]:
    """Each stage's peak and seconds, where `in_memory` rows may be in memory."""
    inside(project, "-c", WRITE, str(rows), "data/raw/wide.parquet")
    parameters = project / "params.yaml"
    lines = [line for line in parameters.read_text(encoding="utf-8").splitlines() if "rows_in_memory" not in line]
    lines.insert(lines.index("split:") + 1, f"  rows_in_memory: {in_memory}")
    parameters.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [inside(project, "-m", *stage) for stage in STAGES]


def main() -> None:
    """Make a project, measure its stages, print."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as work:
        project, table = Path(work) / "wide", Path(work) / "wide.parquet"
        command = [sys.executable, "-m", "mlops_scaffold", "new", str(project), "--defaults", "--preset", "minimal"]
        command += ["-d", "framework=lightgbm", "-d", "compute=ray", "--template", str(HERE.parent)]
        subprocess.run(command, check=True, capture_output=True)
        inside(project, "-c", WRITE, str(SIZES[1]), str(table))
        infer, _ = inside(
            project, "-m", "wide.workspace", "data", str(table), "--target", "y", "--in-git", "--no-commit"
        )
        table.unlink()
        print(f"inferring the contract of {SIZES[1]:,} rows: {infer:.0f} MB")
        for name, in_memory in (("whole", 10 * SIZES[1]), ("in batches", 200_000)):
            small, large = (measure(project, rows, in_memory) for rows in SIZES)
            for stage, (less, _), (more, seconds) in zip(STAGES, small, large, strict=True):
                growth = (more - less) / (SIZES[1] - SIZES[0]) * 1e6
                sizes = f"{less:.0f} MB for {SIZES[0]:,} rows, {more:.0f} MB for {SIZES[1]:,}"
                print(f"{' '.join(stage)}, {name}: {sizes}: {growth:.0f} MB a million rows; {seconds:.0f} s")


if __name__ == "__main__":
    main()
