"""The main paths, really run: from `mlops new` to a champion, and from a fresh clone back to it (L3)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mlops_scaffold import process

from tests.conftest import git

RUN = [sys.executable, "-m", "mlops_scaffold"]


def environment() -> dict[str, str]:
    """As a user's shell: uv on PATH, nothing of the test's own environment."""
    env = process.project_environment()
    env.pop("UV_PYTHON")
    return env


def poe(project: Path, *task: str) -> str:
    """Run a task of a project, as its README writes it."""
    done = subprocess.run(["uv", "run", "poe", *task], cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project, made and run by one command."""
    folder = tmp_path_factory.mktemp("a b") / "churn"
    command = [*RUN, "new", str(folder), "--defaults", "--run", "--json", "--template", str(template)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"][-1]["step"] == "champion committed"
    return folder


def test_one_command_makes_a_committed_project_with_a_champion(project: Path) -> None:
    assert git("status", "--porcelain", cwd=project) == ""
    assert git("log", "--format=%s", cwd=project).splitlines() == [
        "feat: the first champion",
        "feat: project from the mlops template",
    ]
    champion = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))
    assert champion["metrics"]["roc_auc_ovr_weighted"] > 0.9
    assert "champion" in poe(project, "status")


def test_its_own_tests_and_linters_are_green(project: Path) -> None:
    assert "failed" not in poe(project, "test")
    poe(project, "lint")


def test_the_champion_predicts_a_file(project: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    poe(project, "sample", "--rows", "30", "--output", str(rows))
    poe(project, "predict", str(rows), "--output", str(tmp_path / "answers.csv"))
    assert len((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()) == 31


def test_a_second_run_of_everything_changes_nothing(project: Path) -> None:
    assert "up to date" in poe(project, "repro")
    assert "already registered as version 1" in poe(project, "register")
    done = subprocess.run([*RUN, "setup", str(project)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert git("status", "--porcelain", cwd=project) == ""


def test_a_fresh_clone_with_nothing_but_uv_gets_the_same_champion(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(project), str(clone), cwd=tmp_path)
    assert "same predictions" in poe(clone, "setup")
    poe(clone, "test")
    poe(clone, "repro")
    assert "prediction" in poe(clone, "predict")
    mine, theirs = (json.loads((folder / "metrics.json").read_text(encoding="utf-8")) for folder in (clone, project))
    assert mine == theirs


def test_a_worse_challenger_is_refused_and_a_better_one_can_be_rolled_back(project: Path) -> None:
    parameters = project / "params.yaml"
    good = parameters.read_text(encoding="utf-8")
    try:
        parameters.write_text(good.replace("max_iter: 150", "max_iter: 1"), encoding="utf-8")
        poe(project, "repro")
        assert "version 2" in poe(project, "register")
        refused = subprocess.run(
            ["uv", "run", "poe", "promote"], cwd=project, env=environment(), capture_output=True, text=True
        )
        assert refused.returncode == 1
        assert "Not promoted" in refused.stderr
        assert "retired" in poe(project, "retire", "2", "--reason", "too weak")
        nothing = subprocess.run(
            ["uv", "run", "poe", "rollback"], cwd=project, env=environment(), capture_output=True, text=True
        )
        assert "no champion before" in nothing.stderr
    finally:
        git("checkout", "--quiet", ".", cwd=project)
        poe(project, "repro")


def test_an_interrupted_set_up_goes_on(template: Path, tmp_path: Path) -> None:
    command = [*RUN, "new", str(tmp_path / "churn"), "-l", "--preset", "minimal", "--template", str(template)]
    broken = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cold")}
    done = subprocess.run(command, env=broken, capture_output=True, text=True)
    assert done.returncode == 1
    assert "environment:" in done.stderr
    assert f"mlops setup {tmp_path / 'churn'}" in done.stderr
    again = subprocess.run([*RUN, "setup", str(tmp_path / "churn")], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert git("status", "--porcelain", cwd=tmp_path / "churn") == ""
