"""The search on one machine: the same with any number of workers, and whatever happens to it (L3)."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project.running import environment, poe
from tests.scale.searching import SPACE, TRIALS, children, forget, found, kill, search, trials

pytestmark = pytest.mark.long


def test_the_number_of_workers_changes_nothing(project: Path, reference: tuple[str, object]) -> None:
    assert found(search(project, TRIALS, "--workers", "2")) == reference[0]
    assert trials(project) == reference[1]
    assert [count for _, count in children(project)] == [int(TRIALS)]


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


def test_more_trials_go_on_from_those_that_are_there(project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    assert len(search(project, "3").stdout.splitlines()) >= 4
    more = search(project)
    assert found(more) == reference[0]
    assert "\ntrial 0:" not in more.stdout
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
    kept = trials(project)
    assert 3 <= len(kept) < int(TRIALS)
    again = search(project)
    assert found(again) == reference[0]
    assert "\ntrial 2:" not in again.stdout
    assert trials(project) == reference[1]


def test_a_worker_that_dies_loses_nothing(project: Path, reference: tuple[str, object], tmp_path: Path) -> None:
    forget(project)
    assert found(search(project, ONCE=str(tmp_path / "died"))) == reference[0]
    assert (tmp_path / "died").exists()
    assert trials(project) == reference[1]


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


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (
            "max_iter: { from: 2, to: 12 }",
            "max_iter: { from: -9, to: -2 }",
            "No trial of the first batch could be made",
        ),
        ("max_iter:", "depth:", "'depth' is not in params.yaml"),
        ("{ from: 2, to: 12 }", "{ from: 2 }", "max_iter needs from and to"),
        ("batch: 2", "batch: [", "cannot be understood"),
    ],
)
def test_a_space_that_makes_no_sense_is_a_sentence(project: Path, was: str, becomes: str, says: str) -> None:
    forget(project)
    (project / "search.yaml").write_text(SPACE.replace(was, becomes), encoding="utf-8")
    done = search(project, "2")
    git("checkout", "--quiet", ".", cwd=project)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
