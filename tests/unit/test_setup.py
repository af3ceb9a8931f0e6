"""`mlops setup` before the environment is made: whether a project is new or a clone, and what is wished besides."""

import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlops_scaffold.creating import bootstrap
from mlops_scaffold.creating.bootstrap import Setup, Wishes
from mlops_scaffold.creating.dataset import Dataset, handed_over, state_of
from mlops_scaffold.ground.errors import StepFailed
from mlops_scaffold.ground.project import Project, open_project

from tests.conftest import git, mlops


@pytest.fixture(scope="module")
def written(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was only written."""
    folder = tmp_path_factory.mktemp("written") / "churn"
    made = mlops("new", str(folder), "-l", "--no-setup", "--template", str(template), cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    return folder


def set_up_without_network(project: Path, *options: str) -> str:
    """What `mlops setup` says where no package can be had: it ends at the environment, after the git steps."""
    env = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(project.parent / "no packages")}
    done = mlops("setup", *options, cwd=project, **env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_clone_of_a_larger_repository_gets_no_repository_within(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "all/projects/churn")
    git("init", "--quiet", cwd=tmp_path / "all")
    git("add", "--all", cwd=tmp_path / "all")
    git("commit", "--quiet", "--message", "all projects", cwd=tmp_path / "all")
    git("clone", "--quiet", str(tmp_path / "all"), str(tmp_path / "clone"), cwd=tmp_path)
    project = tmp_path / "clone/projects/churn"
    said = set_up_without_network(project)
    assert "environment:" in said
    assert not (project / ".git").exists()
    assert git("log", "--format=%s", cwd=project) == "all projects"
    log = tmp_path / "clone/.git/mlops-setup.log"
    assert str(log) in said
    assert "uv lock" in log.read_text(encoding="utf-8")


def test_a_new_project_inside_another_repository_becomes_part_of_it(written: Path, tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / "staged.txt").write_text("somebody else's work\n", encoding="utf-8")
    git("add", "staged.txt", cwd=tmp_path)
    shutil.copytree(written, tmp_path / "churn")
    said = set_up_without_network(tmp_path / "churn")
    assert not (tmp_path / "churn/.git").exists()
    project = open_project(tmp_path / "churn")
    assert bootstrap.is_unfinished(project)
    assert bootstrap.pending(project) == Wishes()
    assert bootstrap.pending(Project(written, project.answers)) == Wishes(), "each project has a record of its own"
    Setup(project, Wishes()).commit("feat: churn")
    assert set(git("show", "--name-only", "--format=", cwd=tmp_path).split("/")[:1]) == {"churn"}
    assert "A  staged.txt" in git("status", "--porcelain", cwd=tmp_path)
    assert "environment:" in said


def test_a_folder_that_the_larger_repository_ignores_gets_one_of_its_own(written: Path, tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("/churn/\n", encoding="utf-8")
    shutil.copytree(written, tmp_path / "churn")
    set_up_without_network(tmp_path / "churn")
    assert (tmp_path / "churn/.git").is_dir()
    assert bootstrap.pending(open_project(tmp_path / "churn")) == Wishes()


def test_a_linked_work_tree_is_a_clone(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "churn")
    git("init", "--quiet", cwd=tmp_path / "churn")
    git("add", "--all", cwd=tmp_path / "churn")
    git("commit", "--quiet", "--message", "project", cwd=tmp_path / "churn")
    git("worktree", "add", "--quiet", str(tmp_path / "linked"), cwd=tmp_path / "churn")
    said = set_up_without_network(tmp_path / "linked")
    log = tmp_path / "churn/.git/worktrees/linked/mlops-setup.log"
    assert str(log) in said
    assert log.is_file()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"datasett": "d.csv"}'])
def test_a_broken_record_of_the_set_up_is_a_sentence(text: str, written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "churn")
    git("init", "--quiet", cwd=tmp_path / "churn")
    record = tmp_path / "churn/.git/mlops-setup.json"
    record.write_text(text, encoding="utf-8")
    done = mlops("setup", cwd=tmp_path / "churn")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert f"{record} is broken" in done.stderr
    found = mlops("doctor", "--only", "unfinished-setup", cwd=tmp_path / "churn")
    assert found.returncode == 2
    assert "mlops setup" in found.stderr
    os.system(done.stderr.strip().rpartition("training: ")[2])  # the next step that is named
    assert bootstrap.pending(open_project(tmp_path / "churn")) == Wishes()


def test_what_is_to_be_done_is_kept_whole(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while it is written leaves what was there."""
    shutil.copytree(written, tmp_path / "churn")
    git("init", "--quiet", cwd=tmp_path / "churn")
    project = open_project(tmp_path / "churn")
    first = Wishes("d.csv", "y", in_git=True, run=True)
    bootstrap.remember(project, first)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: None)
        bootstrap.remember(project, Wishes())
    assert bootstrap.pending(project) == first


def test_answers_that_are_kept_elsewhere_are_named_all_the_way(template: Path, tmp_path: Path) -> None:
    kept = ("--answers-file", "conf/my answers.yml")
    new = ("new", "churn", "-l", "--template", str(template), *kept)
    typed = "--answers-file 'conf/my answers.yml'"
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "no packages")}
    stopped = mlops(*new, cwd=tmp_path, **offline)
    assert "environment:" in stopped.stderr
    assert f"go on with: mlops setup {tmp_path / 'churn'} {typed}" in stopped.stderr
    assert f"mlops setup churn {typed}" in mlops(*new, cwd=tmp_path).stderr
    assert "environment:" in set_up_without_network(tmp_path / "churn", *kept)
    found = mlops("doctor", "--only", "unfinished-setup", *kept, cwd=tmp_path / "churn")
    assert f"mlops setup {typed}" in found.stderr

    shutil.rmtree(tmp_path / "churn")
    written = mlops(*new, "--no-setup", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert f"mlops setup {typed}" in written.stderr


def proposed(said: str) -> list[str]:
    """The words of the `mlops setup` that was proposed."""
    return shlex.split(next(line for line in said.splitlines() if "mlops setup" in line).partition("mlops setup")[2])


def test_what_was_wished_is_in_the_command_that_does_it_later(template: Path, tmp_path: Path) -> None:
    (tmp_path / "my data.csv").write_text("a,b,the answer\n" + "1,2,yes\n3,5,no\n" * 50, encoding="utf-8")
    wishes = ("--dataset", "my data.csv", "--target", "the answer", "--data-in-git", "--run")
    made = mlops("new", "churn", "-l", "--no-setup", "--template", str(template), *wishes, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    # Typed after `cd churn`, as it says before.
    set_up_without_network(tmp_path / "churn", *proposed(made.stderr))
    kept = bootstrap.pending(open_project(tmp_path / "churn"))
    assert kept == Wishes(str(tmp_path / "my data.csv"), "the answer", in_git=True, run=True)
    # A set-up that goes on keeps what was wished before.
    set_up_without_network(tmp_path / "churn", "--run")
    assert bootstrap.pending(open_project(tmp_path / "churn")) == kept


REFUSED = {
    "no such file": (("--dataset", "nothing.csv", "--target", "y"), "There is no file", "--dataset"),
    "data without a target": (("--dataset", "README.md"), "--dataset needs --target", "--target COLUMN"),
    "a target without data": (("--target", "y"), "--target needs --dataset", "--dataset FILE"),
    "no data for git": (("--data-in-git",), "--data-in-git needs --dataset", "--dataset FILE"),
}


@pytest.mark.parametrize(("options", "sentence", "step"), REFUSED.values(), ids=REFUSED)
def test_each_wish_that_cannot_be_has_its_own_sentence(
    options: tuple[str, ...], sentence: str, step: str, written: Path
) -> None:
    done = mlops("setup", *options, cwd=written)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert sentence in done.stderr
    assert step in done.stderr
    assert not (written / ".git").exists()


def test_a_project_with_a_history_is_not_begun_anew(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "churn")
    git("init", "--quiet", cwd=tmp_path / "churn")
    for options in (("--dataset", "README.md", "--target", "y"), ("--run",)):
        done = mlops("setup", *options, cwd=tmp_path / "churn")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert f"is in git already: {options[0]}" in done.stderr
        assert "uv run poe data FILE" in done.stderr


def with_hook(folder: Path, hook: str) -> bootstrap.Setup:
    """A project in git with a file in no commit, and a git hook."""
    git("init", "--quiet", str(folder), cwd=folder.parent)
    (folder / "notes.txt").write_text("one  ", encoding="utf-8")
    (folder / ".git/hooks").mkdir(exist_ok=True)
    (folder / ".git/hooks/pre-commit").write_text(f"#!/bin/sh\n{hook}\n", encoding="utf-8")
    (folder / ".git/hooks/pre-commit").chmod(0o755)
    return bootstrap.Setup(Project(folder, {}), Wishes())


def test_what_a_hook_mends_is_committed(tmp_path: Path) -> None:
    hook = "grep --quiet ' $' notes.txt || exit 0; echo one > notes.txt; exit 1"
    with_hook(tmp_path / "churn", hook).commit("first")
    assert git("show", "HEAD:notes.txt", cwd=tmp_path / "churn") == "one"
    assert git("status", "--porcelain", cwd=tmp_path / "churn") == ""


@pytest.mark.parametrize("hook", ["echo no such thing; exit 1", "date +%N > notes.txt; echo no such thing; exit 1"])
def test_what_a_hook_refuses_is_not_committed(hook: str, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no such thing"):
        with_hook(tmp_path / "churn", hook).commit("first")
    assert git("for-each-ref", cwd=tmp_path / "churn") == ""


def test_a_contract_is_handed_over_while_its_file_and_problem_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("x,y\n1,2\n", encoding="utf-8")
    found = Dataset(file, "y", "regression", 1, 2, (), "problem: regression\n", state_of(file))
    with handed_over(found, "regression") as (option,):
        assert Path(option.removeprefix("--contract=")).read_text(encoding="utf-8") == found.contract
    for dataset, problem in (
        (None, "regression"),
        (found, "classification"),
        (replace(found, contract=""), "regression"),
    ):
        with handed_over(dataset, problem) as options:
            assert options == []
    file.write_text("x,y\n1,2\n3,4\n", encoding="utf-8")
    with handed_over(found, "regression") as options:
        assert options == []
