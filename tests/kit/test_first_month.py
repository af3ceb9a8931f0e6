"""A project is moved, cloned without history, opened by another user and in a worktree, and merged after two trainings.

Each works, or is one sentence whose command then works.
"""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uvicorn
import yaml
from mlops_kit import models, registry
from mlops_kit.contract import load
from mlops_kit.ground import KitError, Project, command, using
from mlops_kit.registry.committed import made_by
from mlops_kit.serving import connections
from mlops_kit.serving.limits import from_environment
from mlops_kit.workspace import doctor
from mlops_kit.workspace.doctor.git_checks import INSTALL
from mlops_kit.workspace.doctor.waiting import answers
from mlops_kit.workspace.repro import repro
from mlops_kit.workspace.setup import setup

from tests.kit.projects import ROOT, make
from tests.kit.test_stages import run_stages
from tests.web import Files, listening

BLOCKS = re.findall(r"(?ms)^```sh\n(.*?)^```$", (ROOT / "docs/folders-and-networks.md").read_text(encoding="utf-8"))
ALSO = (".gitattributes", ".gitignore", ".dvc/config")  # that a rendered project has in git
PARAMETERS = "params.yaml"


@dataclass(frozen=True)
class Checkout:
    """A folder of the repository, and a project in it."""

    project: Project

    @property
    def root(self) -> Path:
        return self.project.root

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return (done.stdout + done.stderr).strip()

    def at(self, folder: Path) -> "Checkout":
        return Checkout(replace(self.project, root=folder.resolve()))

    def change(self, old: str, new: str) -> None:
        file = self.root / PARAMETERS
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def use_cache(self, other: "Checkout") -> None:
        """As `dvc cache dir --local`."""
        text = f"[cache]\n    dir = {other.root}/.dvc/cache\n"
        (self.root / ".dvc/config.local").write_text(text, encoding="utf-8")

    def train(self, message: str) -> None:
        """What `poe repro` and a commit leave, without DVC's processes."""
        run_stages()
        dvc(self.root, "commit", "--quiet", "--force")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--message", message)

    def found(self, *names: str) -> dict[str, str]:
        """What checks of doctor find: each fault with its command."""
        return {what: mend for name in names for what, mend in doctor.CHECKS[name].look()}


def dvc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def shell(command: str, folder: Path) -> str:
    """Run a command that was named, as it is printed; `uv run` is this environment. Gives back what it said."""
    command = command.replace("uv run poe repro", "python -m mlops_kit.workspace repro").replace("uv run ", "")
    done = subprocess.run(["bash", "-e", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def champion() -> models.Champion:
    found = models.read_champion()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A project that was set up, trained and promoted, and has trained a second model since. Read, never written."""
    folder = tmp_path_factory.mktemp("first month") / "plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", "src")
        patch.setenv("PRE_COMMIT_ALLOW_NO_CONFIG", "1")
        for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
            patch.setenv(f"{name}_NAME", "me")
            patch.setenv(f"{name}_EMAIL", "me@example.com")
        here = Checkout(make("plain", folder))
        for path in ALSO:
            (here.root / path).parent.mkdir(exist_ok=True)
            text = (ROOT / "template/project" / path).read_text(encoding="utf-8")
            (here.root / path).write_text(re.sub(r"\{%.*?%\}\n?", "", text), encoding="utf-8")
        here.git("init", "--quiet", "--initial-branch=main")
        with using(here.project):
            here.change("max_iter: 500", "max_iter: 5")
            setup(smoke=False)
            here.train("first")
            registry.register()
            registry.promote()
            here.git("add", "--all")
            here.git("commit", "--quiet", "--no-verify", "--message", "the champion")
            here.change("max_iter: 5", "max_iter: 6")
            here.train("second")
        yield here


@pytest.fixture
def here(trained: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A copy of it under another name: a project that was moved."""
    shutil.copytree(trained.root, tmp_path / "renamed", symlinks=True)
    moved = trained.at(tmp_path / "renamed")
    with using(moved.project):
        yield moved


# --- moved -----------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_models_of_a_moved_project_are_written_where_it_is_now(here: Checkout, trained: Checkout) -> None:
    before = sorted((trained.root / "mlartifacts").rglob("*"))
    assert registry.register().startswith("registered as version 2")
    assert sorted((trained.root / "mlartifacts").rglob("*")) == before
    assert len(sorted((here.root / "mlartifacts").rglob("MLmodel"))) == 2
    with closing(sqlite3.connect(here.root / "mlflow.db")) as database:
        dump = "\n".join(database.iterdump())
    assert trained.root.as_uri() not in dump
    assert here.root.as_uri() in dump


@pytest.mark.long
def test_the_hook_of_a_moved_project_runs_its_own_environment(here: Checkout) -> None:
    hook = here.root / ".git/hooks/pre-commit"
    assert "pre-commit" in hook.read_text(encoding="utf-8")
    # This test's environment is not in the project; one that is, is named by its place in it.
    from mlops_kit.workspace import setup as module

    python = here.root / ".venv/bin/python"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        module.follow_folder(hook)
    assert "\nINSTALL_PYTHON=.venv/bin/python\n" in hook.read_text(encoding="utf-8")
    assert here.found("hooks") == {"the pre-commit hook calls a Python that is gone": INSTALL}
    python.parent.mkdir(parents=True)
    python.touch()
    assert here.found("hooks") == {}


# --- cloned without its history --------------------------------------------------------------------------------------


def test_a_shallow_clone_says_so_and_its_command_brings_the_champion(here: Checkout, tmp_path: Path) -> None:
    command = ["git", "clone", "--quiet", "--depth", "1", here.root.as_uri(), str(tmp_path / "shallow")]
    subprocess.run(command, check=True)
    clone = here.at(tmp_path / "shallow")
    clone.use_cache(here)
    shallow = r"^This clone is shallow, .* of the champion, version 1\. Fetch the rest: git fetch --unshallow$"
    with using(clone.project):
        with pytest.raises(models.UnseenError, match=shallow):
            models.champion_folder()
        (mend,) = clone.found("champion-files").values()
        assert mend == "git fetch --unshallow"
        shell(mend, clone.root)
        assert clone.found("champion-files") == {}
        assert models.folder_md5(models.champion_folder()) == champion().model


# --- of another owner ------------------------------------------------------------------------------------------------


def test_a_folder_of_another_user_is_gits_own_sentence_and_its_command(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own variable for tests
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    refused = r"^git reads nothing here: detected dubious ownership .*If you trust it: git config --global --add safe\."
    acts: list[Callable[[], object]] = [lambda: setup(smoke=False), models.git_commit, lambda: made_by("another model")]
    for act in acts:
        with pytest.raises(KitError, match=refused):
            act()
    ((what, mend),) = here.found("history").items()
    assert what.startswith("git reads nothing here: detected dubious ownership in repository at ")
    shell(mend, here.root)
    assert here.found("history") == {}
    assert models.git_commit() == here.git("rev-parse", "HEAD")


# --- in a worktree ---------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_worktree_shares_cache_registry_and_hook(here: Checkout, tmp_path: Path) -> None:
    here.git("worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "tree"))
    hook = (here.root / ".git/hooks/pre-commit").read_text(encoding="utf-8")
    tree = here.at(tmp_path / "tree")
    with using(tree.project):
        with pytest.raises(KitError, match=r"does not share the data of .*renamed yet\. Set it up: uv run poe setup"):
            repro([])
        setup(smoke=False)
        assert models.home() == here.root
        assert [line for line in registry.status().splitlines() if line.startswith("1 ")]
        dvc(tree.root, "checkout", "--quiet")
        assert "up to date" in dvc(tree.root, "status")
        assert (tree.root / load().source.path).exists()
        assert models.folder_md5(models.champion_folder()) == champion().model
        assert not (tree.root / "mlflow.db").exists()
    here.git("worktree", "remove", "--force", str(tree.root))
    assert (here.root / ".git/hooks/pre-commit").read_text(encoding="utf-8") == hook


def test_a_worktree_whose_repository_was_moved_says_how_to_repair_it(here: Checkout, tmp_path: Path) -> None:
    here.git("worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "tree"))
    moved = here.at(here.root.rename(tmp_path / "elsewhere"))
    with using(here.at(tmp_path / "tree").project):
        ((what, mend),) = here.found("history").items()
        assert "not a git repository" in what
        shell(mend.replace("FOLDER_OF_THE_REPOSITORY", shlex.quote(str(moved.root))), tmp_path)
        assert here.found("history") == {}
        assert models.home() == moved.root


# --- with other line ends --------------------------------------------------------------------------------------------


def test_an_untouched_clone_with_crlf_settings_is_up_to_date(here: Checkout, tmp_path: Path) -> None:
    clone = here.at(tmp_path / "windows")
    settings = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    subprocess.run(["git", "clone", "--quiet", *settings, str(here.root), str(clone.root)], check=True)
    clone.use_cache(here)
    dvc(clone.root, "checkout", "--quiet")
    assert "up to date" in dvc(clone.root, "status")
    assert clone.git("status", "--porcelain") == ""


# --- in a uv workspace -----------------------------------------------------------------------------------------------


def test_an_environment_of_a_workspace_further_up_is_found(here: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    above = here.root.parent
    monkeypatch.setattr(sys, "prefix", str(above / ".venv"))
    assert here.found("workspace") == {}
    (above / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["*"]\n', encoding="utf-8")
    ((what, mend),) = here.found("workspace").items()
    assert what == f"the project is a member of the uv workspace of {above / 'pyproject.toml'}"
    assert mend.endswith('pyproject.toml # in [tool.uv.workspace]: exclude = ["renamed"]')


# --- merged ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def branches(here: Checkout) -> Checkout:
    """Two branches that both trained: one with more trees, one with smaller ones."""
    for branch, old, new in (
        ("their-branch", "max_leaf_nodes: 31", "max_leaf_nodes: 7"),
        ("ours", "max_iter: 6", "max_iter: 7"),
    ):
        here.git("switch", "--quiet", "--create", branch, "main")
        here.change(old, new)
        here.train(branch)
    return here


@pytest.mark.long
def test_two_branches_that_both_trained_merge_into_run_it_again(branches: Checkout) -> None:
    merge, *again = BLOCKS[0].splitlines()
    said = shell(merge, branches.root)
    assert "dvc.lock: both branches ran the pipeline. Run it again: uv run poe repro" in said
    assert branches.git("status", "--porcelain") == ""
    assert "params.yaml" in dvc(branches.root, "status"), "what was merged is not what either branch ran"
    for each in again:
        shell(each, branches.root)
    assert branches.git("status", "--porcelain") == ""
    assert "up to date" in dvc(branches.root, "status")
    lock = yaml.safe_load((branches.root / "dvc.lock").read_text(encoding="utf-8"))
    parameters = lock["stages"]["train"]["params"][PARAMETERS]["model"]
    assert (parameters["max_iter"], parameters["max_leaf_nodes"]) == (7, 7)
    assert registry.register().startswith("registered as version 2")


@pytest.mark.long
def test_without_the_drivers_each_command_says_how_to_settle_it(branches: Checkout) -> None:
    for name in ("mlops-run", "mlops-champion"):
        branches.git("config", "--remove-section", f"merge.{name}")
    assert list(branches.found("merge-drivers").values()) == [INSTALL]
    assert "CONFLICT" in branches.git("merge", "their-branch", check=False)
    settled = r"conflicts in dvc\.lock\b.*git checkout HEAD -- dvc\.lock metrics\.json"
    acts: list[Callable[[], object]] = [lambda: repro([]), registry.register]
    for act in acts:
        with pytest.raises(KitError, match=settled):
            act()
    ((what, mend),) = branches.found("conflicts").items()
    assert "dvc.lock" in what
    (of_dvc,) = branches.found("dvc").values()
    assert "stash" not in of_dvc
    assert mend.startswith("git checkout HEAD -- dvc.lock metrics.json && uv run poe repro")
    for each in BLOCKS[1].splitlines():
        shell(each, branches.root)
    assert branches.found("conflicts", "dvc") == {}
    assert "up to date" in dvc(branches.root, "status")


@pytest.mark.parametrize("driver", [True, False])
def test_a_model_that_one_branch_retired_is_not_champion_again(here: Checkout, driver: bool) -> None:
    if not driver:
        here.git("config", "--remove-section", "merge.mlops-champion")
    now = champion()
    for branch, told in (("theirs", replace(now, retired="it leaks")), ("ours", replace(now, metrics={}))):
        here.git("switch", "--quiet", "--create", branch, "main")
        models.write_champion(told)
        here.git("commit", "--quiet", "--no-verify", "--all", "--message", branch)
    assert "CONFLICT" in here.git("merge", "theirs", check=False)
    (mend,) = here.found("champion").values()
    shell(mend, here.root)
    assert champion().retired == "it leaks"
    assert here.found("conflicts") == {}


# --- in MLflow's pages -----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_deleted_experiment_is_found_and_its_command_restores_it(here: Checkout) -> None:
    models.client().delete_experiment(models.experiment_id())
    with pytest.raises(models.ServerError, match=r"^The experiment 'plain' was deleted in MLflow\. Restore it: env "):
        models.experiment_id()
    ((what, mend),) = here.found("registry").items()
    assert what == "the experiment 'plain' was deleted in MLflow: no run can be logged"
    shell(mend, here.root)
    assert here.found("registry") == {}
    assert models.experiment_id()


# --- what MLflow and uvicorn read by themselves ----------------------------------------------------------------------


def test_the_registry_is_where_the_runs_are(here: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    monkeypatch.setenv("MLFLOW_RUN_ID", "another")
    assert registry.register().startswith("registered as version 2")
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_proxy_is_not_asked_for_this_machines_own_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setattr("urllib.request._opener", None)  # which has the proxies of the first request of a process
    with listening(Files) as url:
        assert not answers(url, 10)
        command(lambda: None)()
        assert answers(url, 10)
    assert os.environ["no_proxy"] == "example.com,127.0.0.1,::1,localhost"


def test_the_service_is_one_process_whatever_web_concurrency_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "auto")
    started: list[uvicorn.Config] = []

    def run(self: connections.Server, sockets: list[object]) -> None:
        assert sockets == []
        started.append(self.config)

    monkeypatch.setattr(connections.Server, "run", run)
    connections.run(None, [], from_environment())
    assert [config.workers for config in started] == [1]
