"""How long `mlops new` takes, against its peers in the same run. Run it by `make bench`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlops_scaffold.ground import process

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent


def environment(work: Path) -> dict[str, str]:
    """Caches of its own, bytecode kept, somebody who commits."""
    env = process.project_environment() | {"MLOPS_CACHE_DIR": str(work / "cache")}
    identity = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    return {**dict.fromkeys(identity, "bench@example.com"), **env}


def seconds(
    *command: str,
    cwd: Path,
    env: dict[str, str],
    times: int = 1,
    before: Callable[[], object] = int,
    fine: tuple[int, ...] = (0,),
) -> float:
    """The best of some runs: what else the machine does only adds."""
    taken = []
    for _ in range(times):
        before()
        start = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True)
        taken.append(time.perf_counter() - start)
        if done.returncode not in fine:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return min(taken)


def row(name: str, ours: float, peer: float, limit: float) -> None:
    """One line of the table."""
    print(f"{name:48} {ours:7.3f} s {peer:9.3f} s {ours / peer:6.2f}x  (at most {limit}x)", flush=True)


def main() -> None:
    """Measure and print."""
    work = Path(tempfile.mkdtemp(prefix="mlops-bench-"))
    env = environment(work)
    mlops, python = str(BIN / "mlops"), sys.executable
    print(f"{'what':48} {'ours':>9} {'peer':>11} {'ratio':>7}")
    start_up(work, env, mlops, python)
    rendering(work, env, mlops)
    first_model(work, env, mlops)
    shutil.rmtree(work)


def start_up(work: Path, env: dict[str, str], mlops: str, python: str) -> None:
    """The command line against a bare interpreter."""
    bare = seconds(python, "-c", "pass", cwd=work, env=env, times=20)
    row("--version, against python -c pass", seconds(mlops, "--version", cwd=work, env=env, times=20), bare, 2.5)
    row("--help, against python -c pass", seconds(mlops, "--help", cwd=work, env=env, times=10), bare, 8)


def rendering(work: Path, env: dict[str, str], mlops: str) -> None:
    """Writing the files against copier."""
    template = str(HERE.parent)

    def clean() -> None:
        shutil.rmtree(work / "a", ignore_errors=True)

    ours = seconds(mlops, "new", "a", "-l", "--no-setup", cwd=work, env=env, times=5, before=clean)
    command = (str(BIN / "copier"), "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", template, "a")
    row("new --no-setup, against copier copy", ours, seconds(*command, cwd=work, env=env, times=5, before=clean), 0.5)
    clean()


def first_model(work: Path, env: dict[str, str], mlops: str) -> None:
    """A trained and registered model against one process that trains and logs, and where the time goes."""
    taken: dict[float, str] = {}
    for name in ("first", "second", "third"):  # none is deleted between them: a disk is slow for a while after that
        start = time.perf_counter()
        command = [mlops, "new", name, "-l", "--run", "--json"]
        done = subprocess.run(command, cwd=work, env=env, check=True, capture_output=True, text=True)
        taken[time.perf_counter() - start] = done.stdout
    project = work / name
    ours = min(taken)
    inside = {**env, "PATH": os.pathsep.join([str(project / ".venv/bin"), env["PATH"]])}
    floor = (str(project / ".venv/bin/python"), str(HERE / "floor.py"), str(project))

    def fresh() -> None:
        (work / "floor.db").unlink(missing_ok=True)

    row("new --run, against the floor", ours, seconds(*floor, cwd=work, env=inside, times=3, before=fresh), 3.2)
    for step in json.loads(taken[ours])["steps"]:
        print(f"    {step['step']:44} {step['seconds']:7.2f} s")
    empty = work / "empty"
    empty.mkdir()
    stages = "".join(f"  s{n}:\n    cmd: touch o{n}\n    outs: [o{n}]\n" for n in range(3))
    (empty / "dvc.yaml").write_text("stages:\n" + stages, encoding="utf-8")
    dvc = str(project / ".venv/bin/dvc")
    subprocess.run(["git", "init", "-q"], cwd=empty, check=True)
    subprocess.run([dvc, "init", "-q"], cwd=empty, env=inside, check=True)
    subprocess.run([dvc, "repro", "-q"], cwd=empty, env=inside, check=True, capture_output=True)
    ours = seconds("uv", "run", "poe", "repro", cwd=project, env=inside, times=5)
    row(
        "no-op poe repro, against dvc repro, 3 empty stages",
        ours,
        seconds(dvc, "repro", cwd=empty, env=inside, times=5),
        1.5,
    )


if __name__ == "__main__":
    main()
