"""`mlops update`, `check`, `diff`, `explain` as a person or a CI job sees them: what is said, and how they end."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
QUESTIONS = """\
_exclude: ["copier.yml", ".git", "{% if kind == 'a' %}/ci{% endif %}", "{% if kind == 'b' %}/only-a.txt{% endif %}"]
_skip_if_exists: [/seed.txt]
name: demo
kind: {type: str, default: b, choices: [a, b]}
components:
  type: yaml
  when: false
  default:
    a: {axis: kind, title: A, help: The one., owns: [/only-a.txt], managed: []}
    b: {axis: kind, title: B, help: The other., owns: [/ci/], managed: [/ci/]}
"""
CHANGELOG = "# Changelog\n\n## 2.0.0\n\n- Line 9 is fixed.\n\n## 1.1.0\n\n- Nothing much.\n\n## 1.0.0\n\n- First.\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Line 9 is fixed in version 2; there is a seed, a managed file, and a component."""
    before = {"a.txt": LINES, "gone.txt": "g\n", "seed.txt": "one\n", "ci/run.yml": "run: 1\n", "only-a.txt": "a\n"}
    after = {"a.txt": LINES.replace("line 9", "fixed"), "gone.txt": None, "new.txt": "n\n", "seed.txt": "two\n"}
    return make_world(tmp_path, before, {**after, "CHANGELOG.md": CHANGELOG}, questions=QUESTIONS)


def told(world: World, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that ends as it is to end."""
    done = mlops(*arguments, cwd=world.project)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_an_update_from_start_to_done(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 3", "MINE")})
    said = told(world, "update", "--defaults").stderr
    for line in ("updated   a.txt", "removed   gone.txt", "added     new.txt", "kept      seed.txt"):
        assert line in said
    assert "v1.0.0 -> v2.0.0" in said
    assert world.text("a.txt") == LINES.replace("line 3", "MINE").replace("line 9", "fixed")
    commit(world.project, "updated")
    assert "up to date" in told(world, "check").stderr
    assert "nothing to change" in told(world, "update", "--defaults").stderr


def test_a_dry_run_shows_every_file_and_line_and_writes_nothing(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 9", "MINE"), "seed.txt": "MINE\n"})
    before, objects = world.snapshot(), git("count-objects", "-v", cwd=world.project)
    shown = told(world, "update", "--defaults", "--dry-run", code=2)
    for line in ("conflict  a.txt", "removed   gone.txt", "added     new.txt", "kept      seed.txt"):
        assert line in shown.stderr
    assert "-line 9" in shown.stdout or "+fixed" in shown.stdout
    assert "+n\n" in shown.stdout
    assert world.snapshot() == before
    assert git("count-objects", "-v", cwd=world.project) == objects
    assert git("for-each-ref", "refs/worktree", "refs/mlops", cwd=world.project) == ""


def test_a_conflict_is_two_and_opens_in_a_merge_tool(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 9", "MINE")})
    before = world.snapshot()
    outcome = json.loads(told(world, "update", "--defaults", "--json", code=2).stdout)
    assert outcome["conflicts"] == 1
    assert {"path": "a.txt", "status": "conflict", "note": "you and the template changed the same lines"} in (
        outcome["changes"]
    )
    assert "UU a.txt" in world.status().splitlines()
    assert subprocess.run(["git", "commit", "-m", "too early"], cwd=world.project, check=False).returncode
    assert "<<<<<<< project\nMINE\n" in world.text("a.txt")
    assert ">>>>>>> template" in world.text("a.txt")
    git("-c", "mergetool.t.cmd=cp $REMOTE $MERGED", "mergetool", "-y", "-t", "t", cwd=world.project)
    assert world.text("a.txt") == LINES.replace("line 9", "fixed")
    told(world, "update", "--abort")
    assert {name: world.snapshot()[name] for name in before} == before


def test_check_says_behind_and_what_it_means_for_this_project(world: World) -> None:
    git("tag", "v1.1.0", "v1.0.0", cwd=world.template)
    said = told(world, "check", code=2).stderr
    assert "behind: v1.0.0, the newest is v2.0.0" in said
    assert "- Line 9 is fixed." in said
    assert "First" not in said
    assert "a.txt" in said
    assert "seed.txt" not in said
    record = json.loads(told(world, "check", "--json", code=2).stdout)
    assert record["behind"] is True
    assert record["incoming"] == ["CHANGELOG.md", "a.txt", "gone.txt", "new.txt"]
    assert record["drifted"] == []


def test_check_says_drifted_for_managed_files_alone(world: World) -> None:
    told(world, "update", "--defaults")
    commit(world.project, "updated")
    world.edit({"a.txt": "MINE\n", "seed.txt": "MINE\n", "own.txt": "MINE\n"})
    told(world, "check")
    world.edit({"ci/run.yml": "run: 2\n"})
    assert "drifted: ci/run.yml" in told(world, "check", code=2).stderr
    record = json.loads(told(world, "check", "--json", "--offline", code=2).stdout)
    assert (record["behind"], record["drifted"], record["edited"]) == (False, ["ci/run.yml"], ["a.txt", "ci/run.yml"])


def test_check_writes_nothing(world: World) -> None:
    write(world.project, {"a.txt": "being edited\n"})
    before = world.snapshot()
    told(world, "check", code=2)
    assert world.snapshot() == before


def test_diff_shows_what_the_project_changed(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 3", "MINE"), "gone.txt": None, "own.txt": "OWN\n", "seed.txt": "SEED\n"})
    shown = told(world, "diff").stdout
    assert "-line 3\n+MINE\n" in shown
    assert "deleted file" in shown
    assert "OWN" not in shown
    assert "SEED" not in shown
    assert "+SEED" in told(world, "diff", "--seeds").stdout
    assert "+fixed" not in shown


def test_diff_incoming_shows_what_an_update_would_bring(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 3", "MINE")})
    before = world.snapshot()
    shown = told(world, "diff", "--incoming").stdout
    assert "-line 9\n+fixed\n" in shown
    assert "-line 3" not in shown
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.txt", ["merged:", "component  none", "template   a.txt, since v1.0.0"]),
        ("seed.txt", ["seed:", "yours"]),
        ("ci/run.yml", ["managed:", "component  b, by the question kind (its answer here: b)"]),
        ("own.txt", ["yours: the template does not have it"]),
        (".copier-answers.yml", ["answers:"]),
    ],
)
def test_explain(world: World, path: str, words: list[str]) -> None:
    world.edit({"own.txt": "OWN\n"})
    said = told(world, "explain", path).stdout
    for word in words:
        assert word in said


def test_an_answer_can_be_changed_later(world: World) -> None:
    told(world, "update", "--data", "kind=a", "--to", "v1.0.0", "--defaults")
    assert not (world.project / "ci").exists()
    assert world.text("only-a.txt") == "a\n"
    assert "kind: a" in world.text(".copier-answers.yml")
    assert "_commit: v1.0.0" in world.text(".copier-answers.yml")


def test_several_projects_in_one_go(world: World, tmp_path: Path) -> None:
    git("clone", "--quiet", str(world.project), str(tmp_path / "two"), cwd=tmp_path)
    write(tmp_path / "two", {"a.txt": "uncommitted\n"})
    done = mlops("update", "-l", "--json", str(world.project), str(tmp_path / "two"), str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first["newer"] == "v2.0.0"
    assert "a.txt" in second["error"]
    assert "not a project" in third["error"]
    assert (tmp_path / "two/a.txt").read_text() == "uncommitted\n"


# --- copier's own engine ---------------------------------------------------------------------------------------------


def test_copiers_engine_when_it_is_asked_for(world: World) -> None:
    world.edit({"a.txt": LINES.replace("line 3", "MINE")})
    told(world, "update", "--defaults", "--engine", "copier")
    assert world.text("a.txt") == LINES.replace("line 3", "MINE").replace("line 9", "fixed")


def test_git_older_than_2_38_is_refused(world: World, tmp_path: Path) -> None:
    old = tmp_path / "bin/git"
    old.parent.mkdir()
    real = shutil.which("git")
    old.write_text(f'#!/bin/sh\ncase "$*" in *--version) echo git version 2.34.1 ;; *) exec {real} "$@" ;; esac\n')
    old.chmod(0o755)
    done = mlops("update", "-l", cwd=world.project, PATH=f"{old.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "this git is older than 2.38" in done.stderr
    assert "--engine copier" in done.stderr
    assert world.status() == ""
