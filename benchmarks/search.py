"""What a search costs beside the trials themselves, and what a second worker gains: ratios, on one machine.

    python benchmarks/search.py

The plain loop measures the same parameters on the same folds in one process, without Optuna, MLflow or workers.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from mlops_scaffold.ground import process

HERE = Path(__file__).parent
TRIALS = 16
INSIDE = """
import sys, time
from mlops_kit.ground import params
from mlops_kit.search.loop import search
from mlops_kit.search.objective import read_objective
from mlops_kit.search.processes import Processes
from mlops_kit.search.record import Record
from mlops_kit.search.space import read_settings

class Fresh(Record):
    "It remembers nothing, so that every trial is made."
    tasks = []
    def trials(self):
        return {}
    def write(self, task, outcome):
        super().write(task, outcome)
        self.tasks.append((task, len(outcome.scores)))

def searched(settings, objective, workers, trials):
    crew, record = Processes(objective, workers), Fresh(settings)
    list(crew.pool.map(abs, range(workers * 4)))  # started
    search(settings, record, crew.run, 2)  # imported, before the clock starts
    record.tasks.clear()
    start = time.perf_counter()
    search(settings, record, crew.run, trials)
    taken = time.perf_counter() - start
    crew.close()
    return taken, list(record.tasks)

if __name__ == "__main__":
    trials = int(sys.argv[1])
    settings = read_settings(params())
    objective = read_objective(settings)
    one, tasks = searched(settings, objective, 1, trials)
    two, _ = searched(settings, objective, 2, trials)
    objective.measure(tasks[0][0])
    start = time.perf_counter()
    for task, _ in tasks:
        objective.measure(task)
    loop = time.perf_counter() - start
    print(f"RESULT a plain loop {loop / trials * 1000:.0f} ms a trial; one worker {one / loop:.2f}x of it, "
          f"{(one - loop) / trials * 1000:+.0f} ms a trial; two workers {one / two:.2f}x as fast as one")
"""


def main() -> None:
    """Make a project, measure in its environment, print."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as work:
        project = Path(work) / "churn"
        command = [sys.executable, "-m", "mlops_scaffold", "new", str(project), "--defaults", "--run"]
        command += ["--preset", "minimal", "-d", "compute=ray", "--template", str(HERE.parent)]
        subprocess.run(command, check=True, capture_output=True)
        (Path(work) / "measure.py").write_text(INSIDE, encoding="utf-8")
        env = process.project_environment() | {"OMP_NUM_THREADS": "1"}
        env.pop("UV_PYTHON", None)
        measure = ["uv", "run", "--group", "search", "python", str(Path(work) / "measure.py"), str(TRIALS)]
        done = subprocess.run(measure, cwd=project, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"the measurement failed: {done.stderr[-2000:]}")
        print(next(line for line in done.stdout.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT "))


if __name__ == "__main__":
    main()
