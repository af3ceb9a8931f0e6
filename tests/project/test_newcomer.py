"""The first day of somebody new: a clone, one command, and what ONBOARDING.md says, as it is written there (L4).

The project has a history and its DVC remote is a folder; the newcomer has an empty home, and git and uv on PATH.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project import first_change
from tests.project.running import RUN, environment, first, link_packages, serving, with_champion

pytestmark = pytest.mark.long

# What git's hooks, and the commands of an environment that can be moved, are started by; every machine with git has it.
SHELL = ("bash", "env", "sh", "dirname", "realpath")


@pytest.fixture(scope="module")
def origin(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a team shares its project: a bare repository, data and models in a folder beside it."""
    folder = tmp_path_factory.mktemp("team")
    project = with_champion(folder / "churn", template, tmp_path_factory)
    for command in ("dvc remote add --default shared ../store", "dvc push --quiet"):
        subprocess.run(["uv", "run", *command.split()], cwd=project, env=environment(), check=True)
    commit(project, "chore: data and models are shared")
    text = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(text.replace("latency_ms: 100", "latency_ms: 90"), encoding="utf-8")
    commit(project, "feat: a faster answer is asked for")
    git("clone", "--quiet", "--bare", str(project), str(folder / "churn.git"), cwd=folder)
    shutil.rmtree(project)
    return folder / "churn.git"


def commit(project: Path, message: str) -> None:
    """Commit as a teammate does: the hooks need uv, which the tests' own PATH may not have."""
    command = ["git", "commit", "--quiet", "--all", "--message", message]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def newcomer(folder: Path) -> dict[str, str]:
    """The environment of somebody with an empty home; packages come from this machine's cache.

    Where no Python is on PATH, uv fetches one; the interpreter that runs the tests stands in for it.
    """
    (folder / "home").mkdir()
    (folder / "bin").mkdir()
    for name in ("git", "uv", *SHELL):
        found = shutil.which(name, path=environment()["PATH"])
        assert found, name
        (folder / "bin" / name).symlink_to(found)
    cache = subprocess.run(["uv", "cache", "dir"], env=environment(), capture_output=True, text=True, check=True)
    # Without PYTEST_DEBUG_TEMPROOT, the project's pytest would spend minutes deleting the folders of earlier tests.
    ours = r"GIT_CONFIG_|SSL_|UV_|LANG$|PYTEST_DEBUG_TEMPROOT$"
    kept = {name: value for name, value in os.environ.items() if re.match(ours, name)}
    return {
        **kept,
        "HOME": str(folder / "home"),
        "MLOPS_CACHE_DIR": str(folder / "cache"),
        "PATH": str(folder / "bin"),
        "UV_CACHE_DIR": cache.stdout.strip(),
        "UV_PYTHON": sys.executable,
    }


def run(command: str, project: Path, env: dict[str, str]) -> str:
    """A command as it is written; what it says is the failure."""
    done = subprocess.run(
        shlex.split(command), cwd=project, env=env, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}"
    assert "Traceback" not in done.stdout, command
    return done.stdout


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """The newcomer's own clone. The remote's address is relative, as in a team whose disk is mounted beside them."""
    git("clone", "--quiet", str(origin), str(tmp_path / "work/churn"), cwd=tmp_path)
    (tmp_path / "work/store").symlink_to(origin.parent / "store")
    return tmp_path / "work/churn"


@pytest.mark.soak  # the test below runs `poe setup`, test_monorepo.py `mlops setup`
def test_mlops_setup_makes_a_clone_ready(
    clone: Path, template: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    env = newcomer(tmp_path)
    link_packages(first(template, tmp_path_factory), clone)  # the next test starts with an empty environment
    run(shlex.join([*RUN, "setup", "--trust"]), clone, env)
    assert git("status", "--porcelain", cwd=clone) == ""
    ask_the_service(clone, env)


def test_a_newcomer_is_productive_after_one_command(clone: Path, tmp_path: Path) -> None:
    project, env = clone, newcomer(tmp_path)
    page = (project / "ONBOARDING.md").read_text(encoding="utf-8")
    first, change, release = re.findall(r"(?ms)^```sh\n(.*?)^```$", page)

    assert "uv run poe setup" in first
    for command in first.splitlines():
        run(command, project, env)
    assert git("status", "--porcelain", cwd=project) == ""
    ask_the_service(project, env)

    before = json.loads((project / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    first_change.make(project)
    said = {command: run(command, project, env) for command in change.splitlines()}
    after = json.loads((project / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed
    assert all(name in said["uv run dvc metrics diff"] for name in changed)
    hooks = next(text for command, text in said.items() if command.startswith("git commit"))
    assert hooks.count("Passed") >= 3
    assert "Failed" not in hooks

    for command in release.splitlines():
        run(command, project, env)
    champion = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))
    assert champion["metrics"]["roc_auc_ovr_weighted"] == after["roc_auc_ovr_weighted"]
    assert git("status", "--porcelain", cwd=project) == ""
    assert len(git("log", "--format=%s", "main..", cwd=project).splitlines()) == 2
    ask_the_service(project, env)


def ask_the_service(project: Path, env: dict[str, str]) -> None:
    """A served prediction, as ONBOARDING.md and README.md say."""
    with serving(project, env) as address:
        said = run("uv run poe load --once", project, {**env, "PORT": address.rpartition(":")[2]})
    assert '"predictions": [' in said
