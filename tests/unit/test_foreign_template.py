"""`mlops new` with a template that is not ours: the project is put into git, and nothing of the template is run."""

import shlex
from pathlib import Path

import pytest
from mlops_scaffold.creating.bootstrap import pending
from mlops_scaffold.ground.project import open_project

from tests.conftest import git, mlops
from tests.update.world import ANSWERS, commit, write

QUESTIONS = "name: demo\n"
TASKS = "_tasks: ['touch was-run']\n"
NEW = ("new", "nd", "-l", "--template", "template")


def make(folder: Path, questions: str = QUESTIONS, answers: bool = True) -> None:
    """A small template in a repository of its own."""
    write(folder / "template", {"copier.yml": questions, "notes.txt": "one\n", **(ANSWERS if answers else {})})
    git("init", "--quiet", cwd=folder / "template")
    commit(folder / "template")


@pytest.mark.parametrize("questions", [QUESTIONS, "package_name: demo\n"])
@pytest.mark.parametrize("answers", [True, False])
def test_its_project_is_committed_and_that_is_all(questions: str, answers: bool, tmp_path: Path) -> None:
    make(tmp_path, questions, answers)
    made = mlops(*NEW, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert git("log", "--format=%s", cwd=tmp_path / "nd") == "feat: project from a template"
    assert git("status", "--porcelain", cwd=tmp_path / "nd") == ""
    assert "uv run" not in made.stderr


def test_one_that_was_only_written_is_put_into_git_by_setup(tmp_path: Path) -> None:
    make(tmp_path)
    made = mlops(*NEW, "--no-setup", cwd=tmp_path)
    assert "mlops setup" in made.stderr
    refused = mlops("setup", "--run", cwd=tmp_path / "nd")
    assert "Leave the options out" in refused.stderr
    assert mlops("setup", cwd=tmp_path / "nd").returncode == 0
    assert git("log", "--format=%s", cwd=tmp_path / "nd") == "feat: project from a template"
    assert pending(open_project(tmp_path / "nd")) is None
    again = mlops("setup", cwd=tmp_path / "nd")
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
    assert "not of the mlops template" in again.stderr


@pytest.mark.parametrize("trust", [(), ("--trust",)])
@pytest.mark.parametrize("extensions", ["", "_jinja_extensions: [jinja2.ext.do]\n"])
def test_tasks_are_not_left_out_without_a_word(trust: tuple[str, ...], extensions: str, tmp_path: Path) -> None:
    make(tmp_path, QUESTIONS + TASKS + extensions)
    refused = mlops(*NEW, *trust, cwd=tmp_path)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1), refused.stderr
    assert "mlops new runs none" in refused.stderr
    assert f"copier copy --trust {shlex.quote(str(tmp_path / 'template'))} nd" in refused.stderr
    assert not (tmp_path / "nd").exists()
    made = mlops(*NEW, "--skip-tasks", "--trust", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert not list(tmp_path.rglob("was-run"))


@pytest.mark.parametrize("option", [("--run",), ("--dataset", "d.csv", "--target", "y")])
def test_what_only_our_template_can_is_refused_before_anything_is_written(
    option: tuple[str, ...], tmp_path: Path
) -> None:
    make(tmp_path)
    (tmp_path / "d.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    refused = mlops(*NEW, *option, cwd=tmp_path)
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert f"{option[0]} is for" in refused.stderr
    assert not (tmp_path / "nd").exists()
