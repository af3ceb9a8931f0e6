"""Repositories that are not adopted as they are: one sentence and a next step, and nothing has changed."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.adopting import committing
from mlops_scaffold.applying.session import recover_around
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.projects.check import check
from mlops_scaffold.vcs.git import git as run_git
from mlops_scaffold.vcs.repository import open_repository

from tests.adopt.world import OLD, adopted, everything, make_repository, tracked
from tests.conftest import git
from tests.unit.test_trust import seen  # noqa: F401  # a fixture
from tests.update.test_killed import before_each_step, forked
from tests.update.world import commit, snapshot, write


def dirty(folder: Path) -> None:
    write(folder, {"train.py": "changed\n"})


def submodule(folder: Path) -> None:
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD', cwd=folder)},sub", cwd=folder)
    git("commit", "--quiet", "--message", "sub", cwd=folder)


def pointer(folder: Path) -> None:
    write(folder, {".gitattributes": "*.bin filter=lfs\n", "a.bin": "version https://git-lfs.github.com/spec/v1\n"})
    git("-c", "filter.lfs.clean=cat", "add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "lfs", cwd=folder)


def answers(folder: Path) -> None:
    write(folder, {".copier-answers.yml": "_src_path: elsewhere\n"})
    commit(folder)


def in_the_way(folder: Path) -> None:
    write(folder, {"renovate.json": "not in git\n"})


def named_as_ours(folder: Path) -> None:
    write(folder, {".mlops": "a file of mine\n"})
    commit(folder)


def own_page(folder: Path) -> None:
    write(folder, {"ADOPT.md": "mine\n", ".mlops/ADOPT.md": "mine too\n"})


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "dirty": (dirty, "changes in no commit: train.py"),
    "submodule": (submodule, "submodule, sub"),
    "pointer": (pointer, "git lfs pull"),
    "answers": (answers, "has a template"),
    "untracked": (in_the_way, "renovate.json is in the way"),
    "a file .mlops": (named_as_ours, ".mlops is in the way of .mlops/conflicts.yml"),
    "pages": (own_page, ".mlops/ADOPT.md is in the way"),
    "detached": (lambda folder: git("switch", "--quiet", "--detach", cwd=folder), "HEAD is on no branch"),
    "another branch": (lambda folder: git("switch", "--quiet", "--create", "x", cwd=folder), "the branch x, not main"),
    "branch": (lambda folder: git("branch", "mlops/adopt", cwd=folder), "git branch -D mlops/adopt"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence(name: str, template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn", OLD)
    make, sentence = REFUSED[name]
    make(folder)
    before = everything(folder)
    with pytest.raises(MlopsError) as refused:
        adopted(folder, template)
    assert sentence in str(refused.value)
    assert refused.value.next_step
    assert everything(folder) == before


def test_what_is_no_repository_is_refused(template: Path, tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match="in no git repository"):
        adopted(tmp_path, template)


def test_another_templates_project_can_have_both(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    answers(folder)
    adopted(folder, template, answers_file=".mlops-answers.yml")
    assert {".copier-answers.yml", ".mlops-answers.yml"} <= set(tracked(folder))
    found = check(open_project(folder, ".mlops-answers.yml"), open_repository(folder))
    assert set(found.conflicts) == {".github/workflows/ci.yml"}


@pytest.mark.usefixtures("strangers")
def test_nothing_of_the_repository_is_run(
    template: Path,
    tmp_path: Path,
    seen: list[tuple[str, str]],  # noqa: F811
) -> None:
    script = f"#!/bin/sh\ntouch {tmp_path}/ran\n"
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    files = {"setup.py": code, "conftest.py": code, "yaml.py": code, "requirements.txt": "-e .\n", "Makefile": "x:\n"}
    folder = make_repository(tmp_path / "churn", {**files, ".gitattributes": "* filter=evil\n"}, {})
    for name in ("pre-commit", "commit-msg", "post-checkout", "post-index-change", "reference-transaction"):
        write(folder / ".git/hooks", {f"{name}*": script})
    seen.clear()
    adopted(folder, template, level="package")
    assert {what for kind, what in seen if kind == "run"} == {"git"}
    assert not (tmp_path / "ran").exists()


@pytest.mark.long
def test_a_kill_at_any_step_leaves_it_as_it_was_or_done(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn", OLD)
    before = snapshot(folder)
    log = tmp_path / "steps"

    def logged() -> None:
        before_each_step(lambda _: os.write(handle, b"."))
        adopted(folder, template)

    handle = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.waitpid(forked(logged), 0)
    os.close(handle)
    done, steps = snapshot(folder), log.stat().st_size
    assert steps > 100
    for number in range(steps - 90, steps, 6):  # the writing is at the end
        git("switch", "--quiet", "main", cwd=folder)
        git("branch", "--quiet", "-D", "mlops/adopt", cwd=folder)
        assert snapshot(folder) == before
        os.waitpid(forked(partial(killed_before, number, folder, template)), 0)
        recover_around(folder, Report(quiet=True))
        assert snapshot(folder) in (before, done)
        assert git("status", "--porcelain", cwd=folder) == ""
        if not git("branch", "--list", "mlops/adopt", cwd=folder):
            adopted(folder, template)
        git("switch", "--quiet", "mlops/adopt", cwd=folder)
        assert snapshot(folder) == done


def test_a_kill_before_head_is_on_the_branch_leaves_nothing_in_the_way(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn", OLD)
    before = snapshot(folder)

    def killed() -> None:
        def die_at_head(*words: str, **more: Any) -> str:
            if words[0] == "symbolic-ref":
                os.kill(os.getpid(), signal.SIGKILL)
            return run_git(*words, **more)

        pytest.MonkeyPatch().setattr(committing, "git", die_at_head)
        adopted(folder, template)

    os.waitpid(forked(killed), 0)
    left = git("rev-parse", "mlops/adopt", cwd=folder)
    mine = git("commit-tree", f"{left}^{{tree}}", "-p", left, "-m", "mine", cwd=folder)
    git("update-ref", "refs/heads/mlops/adopt", mine, cwd=folder)
    with pytest.raises(MlopsError, match="is there already"):
        adopted(folder, template)
    assert snapshot(folder) == before
    git("branch", "--quiet", "-D", "mlops/adopt", cwd=folder)
    os.waitpid(forked(killed), 0)
    assert adopted(folder, template).commits
    assert git("symbolic-ref", "HEAD", cwd=folder) == "refs/heads/mlops/adopt"


def killed_before(number: int, folder: Path, template: Path) -> None:
    """An adoption that dies before its n-th step."""
    steps: list[str] = []

    def count(step: str) -> None:
        steps.append(step)
        if len(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    before_each_step(count)
    adopted(folder, template)


if sys.platform == "win32":
    pytest.skip("a kill is a signal", allow_module_level=True)
