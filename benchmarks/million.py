"""One million rows of 20 columns: `mlops new --run` against a script that reads, trains the same model and logs it.

    python benchmarks/million.py              or another number of rows: python benchmarks/million.py 100000

The script is floor.py, in the environment of the project that was made. Both are run once, one after the other.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from new import BIN, HERE, environment, row, seconds

AT_MOST = 2.5


def write_table(path: Path, rows: int) -> None:
    """Fifteen numbers, four categories, and a class that depends on some of them: CSV."""
    dice, kinds = random.Random(0), [f"k{kind}" for kind in range(8)]
    names = [*(f"x{place}" for place in range(15)), *(f"kind{place}" for place in range(4)), "bought"]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        for _ in range(rows):
            numbers, codes = [dice.gauss() for _ in range(15)], dice.choices(kinds, k=4)
            likely = numbers[0] + numbers[1] * numbers[2] + (codes[0] > "k4") + dice.gauss() > 0.5
            file.write(",".join([*(f"{one:.4f}" for one in numbers), *codes, "yes" if likely else "no"]) + "\n")


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="mlops-million-") as folder:
        work = Path(folder)
        env, table, project = environment(work), work / "rows.csv", work / "million"
        write_table(table, rows)
        command = [str(BIN / "mlops"), "new", "million", "--dataset", str(table), "--target", "bought", "--defaults"]
        start = time.perf_counter()
        done = subprocess.run([*command, "--run", "--json"], cwd=work, env=env, capture_output=True, text=True)
        ours = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(done.stderr)
        inside = {**env, "PATH": os.pathsep.join([str(project / ".venv/bin"), env["PATH"]])}
        floor = seconds(str(project / ".venv/bin/python"), str(HERE / "floor.py"), str(project), cwd=work, env=inside)
        row(f"new --run of {rows:,} rows, against the floor", ours, floor, AT_MOST)
        for step in json.loads(done.stdout)["steps"]:
            print(f"    {step['step']:44} {step['seconds']:7.2f} s")


if __name__ == "__main__":
    main()
