"""The search on one machine: the same with any number of workers, and whatever happens to it (L3)."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project.running import environment, poe
from tests.scale.searching import SPACE, TRIALS, children, forget, found, kill, search, trials

pytestmark = pytest.mark.long

# As the system does when memory runs out: between two batches, all workers are killed while they wait for work.
KILLED_AT_REST = """
import itertools
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

submit, count = ProcessPoolExecutor.submit, itertools.count()


def kill_before_the_second_batch(self, *asked):
    if next(count) == 2:
        for worker in multiprocessing.active_children():
            worker.kill()
        time.sleep(1)
    return submit(self, *asked)


ProcessPoolExecutor.submit = kill_before_the_second_batch
"""
# A worker is there, and takes a while to be ready.
SLOW_TO_START = """
import os
import sys
import time
from pathlib import Path

if any("spawn_main" in word for word in sys.orig_argv):
    Path(os.environ["STARTED"]).touch()
    time.sleep(2)
"""


def test_the_number_of_workers_changes_nothing(project: Path, reference: tuple[str, object]) -> None:
    assert found(search(project, TRIALS, "--workers", "2")) == reference[0]
    assert trials(project) == reference[1]
    assert [count for _, count in children(project)] == [int(TRIALS)]


@pytest.mark.soak  # tests/kit/test_searching.py finds the winner in params.yaml: a change like any other
def test_the_winner_goes_through_the_same_gate(project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    assert found(search(project)) == reference[0]
    before = git("show", "HEAD:params.yaml", cwd=project).splitlines()
    now = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    changed = {line.split(":")[0].strip() for line, was in zip(now, before, strict=True) if line != was}
    assert changed <= set(yaml.safe_load(SPACE)["model"])
    assert changed
    poe(project, "repro")
    assert "passes the gates" in poe(project, "gate")
    assert "as version 2" in poe(project, "register")
    git("checkout", "--quiet", ".", cwd=project)


def assert_it_goes_on(project: Path, reference: tuple[str, object]) -> None:
    """What was finished is kept, and the same command finds what a search without a stop does."""
    kept = trials(project)
    assert 3 <= len(kept) < int(TRIALS)
    again = search(project)
    assert found(again) == reference[0]
    assert "\ntrial 2:" not in again.stdout
    assert trials(project) == reference[1]


def test_a_search_that_was_killed_goes_on(project: Path, reference: tuple[str, object], tmp_path: Path) -> None:
    forget(project)
    command = ["uv", "run", "poe", "search", "--trials", TRIALS, "--workers", "1"]
    env = {**environment(), "GATE": str(tmp_path)}
    killed = subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
    assert killed.stdout
    next(line for line in killed.stdout if line.startswith("trial 2"))
    kill(killed.pid)
    killed.wait()
    assert_it_goes_on(project, reference)


@pytest.mark.soak  # tests/kit/test_searching.py has one that dies
def test_a_worker_that_dies_without_work_loses_nothing(
    project: Path, reference: tuple[str, object], tmp_path: Path
) -> None:
    forget(project)
    (tmp_path / "sitecustomize.py").write_text(KILLED_AT_REST, encoding="utf-8")
    done = search(project, PYTHONPATH=str(tmp_path))
    assert found(done) == reference[0]
    assert "Traceback" not in done.stderr
    assert trials(project) == reference[1]


def test_ctrl_c_is_a_sentence_and_the_search_goes_on_later(project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    stopped = under_way(project, SLOW="0.5")
    assert stopped.stdout
    next(line for line in stopped.stdout if line.startswith("trial 2"))
    assert_ctrl_c_is_a_sentence(stopped)
    assert_it_goes_on(project, reference)


def test_ctrl_c_while_workers_start_is_a_sentence(project: Path, tmp_path: Path) -> None:
    forget(project)
    (tmp_path / "sitecustomize.py").write_text(SLOW_TO_START, encoding="utf-8")
    started = tmp_path / "started"
    stopped = under_way(project, PYTHONPATH=str(tmp_path), STARTED=str(started))
    while not started.exists():
        assert stopped.poll() is None
        time.sleep(0.05)
    assert_ctrl_c_is_a_sentence(stopped)
    assert not trials(project)


def under_way(project: Path, **env: str) -> subprocess.Popen[str]:
    """A search of two workers, in a process group of its own, as a terminal has it."""
    command = ["uv", "run", "poe", "search", "--trials", TRIALS, "--workers", "2"]
    return subprocess.Popen(
        command, cwd=project, env={**environment(), **env}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def assert_ctrl_c_is_a_sentence(search: subprocess.Popen[str]) -> None:
    """It ends as a program ends of Ctrl-C, and says what becomes of the trials and nothing else."""
    os.killpg(search.pid, signal.SIGINT)
    _, said = search.communicate(timeout=60)
    assert search.returncode == 128 + signal.SIGINT
    started, *rest = said.splitlines()
    assert started.startswith("Poe => ")
    assert rest == ["Stopped. The finished trials are kept; the same command goes on from there."]


@pytest.mark.soak  # what is finished is kept whatever stops it, as after a kill
def test_a_full_disk_is_a_sentence_and_the_search_goes_on_later(project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    found(search(project, "2"))
    full = search(project, TROUBLE="full")
    assert full.returncode == 1
    assert "No space left on device" in full.stderr
    assert "Traceback" not in full.stderr
    assert len(trials(project)) == 2
    assert found(search(project)) == reference[0]
    assert trials(project) == reference[1]
