"""`mlops fleet status` and `fleet update --dry-run` over many repositories, against copier on each of them.

    python benchmarks/fleet.py [REPOSITORIES]

Half of the projects have equal answers, half have answers of their own; some have edits that conflict. What copier
takes for all of them is what it takes for one, times their number. Prints ratios, and the most memory in use.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from new import BIN, environment, row, seconds
from update import COPIER, MLOPS, history, made_from


def copies(project: Path, folder: Path, number: int, env: dict[str, str]) -> None:
    """Repositories of the project, and their inventory."""
    folder.mkdir()
    commit = ("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "work")
    for count in range(number):
        copy = Path(shutil.copytree(project, folder / f"p{count:04}", symlinks=True))
        answers = copy / ".copier-answers.yml"
        if count % 2:
            text = answers.read_text(encoding="utf-8").replace("description: A", f"description: No. {count}, a")
            answers.write_text(text, encoding="utf-8")
        if count % 10 == 0:
            settings = copy / "pyproject.toml"
            settings.write_text(settings.read_text(encoding="utf-8") + "# a line of ours\n", encoding="utf-8")
        subprocess.run(commit, cwd=copy, env=env, check=True)
    rows = "".join(f"  - {{repo: p{count:04}}}\n" for count in range(number))
    (folder / "fleet.yml").write_text(f"projects:\n{rows}", encoding="utf-8")


def fleet(folder: Path, env: dict[str, str], *command: str) -> tuple[float, float]:
    """The seconds of a command over the fleet, and the most memory that its process had, in MB."""
    start = time.perf_counter()
    arguments = (MLOPS, "fleet", *command, "--file", str(folder / "fleet.yml"), "--json")
    running = subprocess.Popen(arguments, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(running.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 10, 11):
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 2**10


def main() -> None:
    """Measure and print."""
    number = int(sys.argv[1]) if sys.argv[1:] else 200
    work = Path(tempfile.mkdtemp(prefix="mlops-bench-"))
    env = environment(work)
    run = partial(subprocess.run, env=env, check=True, capture_output=True)
    project = made_from(history(work, run), work, run)
    copies(project, work / "fleet", number, env)
    behind = (0, 2)
    check = seconds(COPIER, "check-update", "-q", cwd=project, env=env, times=3, fine=behind)
    update = seconds(COPIER, "update", "--pretend", "-q", "--defaults", cwd=project, env=env, times=3)
    print(f"{number} repositories on {BIN.parent.name}")
    for name, theirs, command in (
        ("status, against copier check-update", check, ("status",)),
        ("update --dry-run, against update --pretend", update, ("update", "--dry-run")),
    ):
        taken, memory = fleet(work / "fleet", env, *command)
        row(name, taken, theirs * number, 0.05)
        print(f"{'':48} {memory:7.0f} MB  (at most 300)")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
