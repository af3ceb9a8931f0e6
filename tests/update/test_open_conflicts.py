"""Conflicts that were committed before anybody settled them, whatever kind they are of: `mlops check` names them."""

import json
from pathlib import Path

import pytest
from mlops_scaffold.applying import taking_back
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.projects.check import Standing, check
from mlops_scaffold.vcs.conflict_record import RECORD
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git, mlops
from tests.update.world import Files, World, commit, forget_fetches, make_world, write

LINES = "".join(f"line {number}\n" for number in range(9))
LOGO = b"\0PNG"  # no text: git merges nothing of it
QUESTIONS = """\
name: demo
components:
  type: yaml
  when: false
  default: {all: {axis: name, title: A, help: All., owns: [/ci/], managed: [/ci/]}}
"""


def standing(world: World) -> Standing:
    """What `mlops check` finds."""
    forget_fetches()
    return check(open_project(world.project), open_repository(world.project), trust=False)


def in_conflict(folder: Path, before: Files, mine: Files, theirs: Files) -> World:
    """A project whose update leaves a conflict."""
    world = make_world(folder, before, theirs, questions="_preserve_symlinks: true\nname: demo\n")
    world.edit(mine)
    assert world.update().conflicts
    return world


def test_markers_in_a_commit(tmp_path: Path) -> None:
    mine, theirs = LINES.replace("line 4", "MINE"), LINES.replace("line 4", "THEIRS")
    world = in_conflict(tmp_path, {"a.txt": LINES}, {"a.txt": mine}, {"a.txt": theirs})
    assert standing(world).conflicts == {"a.txt": "git has it as unmerged"}
    commit(world.project, "too early")
    assert not (world.project / RECORD).exists(), "markers say enough"
    assert standing(world).conflicts == {"a.txt": "conflict markers"}
    for options in ([], ["--strict"]):
        done = mlops("check", *options, cwd=world.project)
        assert (done.returncode, "in conflict: a.txt (conflict markers)" in done.stderr) == (2, True)
    world.edit({"a.txt": mine})
    assert standing(world).as_it_should_be


SILENT: dict[str, tuple[Files, Files, Files, str]] = {
    "both changed a picture": ({"x": LOGO}, {"x": LOGO + b"1"}, {"x": LOGO + b"2"}, "content"),
    "both changed a link": ({"x": "-> a"}, {"x": "-> b"}, {"x": "-> c"}, "content"),
    "a file became a link": ({"x": LINES}, {"x": LINES + "MINE\n"}, {"x": "-> a"}, "type"),
    "a folder came in its place": ({"x": LINES}, {"x": LINES + "MINE\n"}, {"x": None, "x/y": "new\n"}, "modify/delete"),
}


@pytest.mark.parametrize("kind", SILENT)
def test_a_conflict_without_markers_is_recorded(kind: str, tmp_path: Path) -> None:
    *files, named = SILENT[kind]
    world = in_conflict(tmp_path, *files)
    assert RECORD in world.snapshot()
    commit(world.project, "too early")
    assert standing(world).conflicts == {"x": f"{named}, in {RECORD}"}
    assert not standing(world).sound
    git("rm", "--quiet", RECORD, cwd=world.project)  # the project's side is the right one
    commit(world.project, "settled")
    assert standing(world).as_it_should_be


def test_a_recorded_conflict_is_settled_by_another_version_of_the_file(tmp_path: Path) -> None:
    world = in_conflict(tmp_path, *SILENT["both changed a picture"][:3])
    commit(world.project, "too early")
    world.edit({"x": LOGO + b"2"})
    assert standing(world).as_it_should_be
    write(world.template, {"more.txt": "more\n"})
    commit(world.template, "three")
    git("tag", "v3.0.0", cwd=world.template)
    removed = {change.path: change.status for change in world.update().changes}
    assert removed[RECORD] == "removed", "the next update takes the record away"


def test_abort_takes_the_record_back(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"x": LOGO}, {"x": LOGO + b"2"})
    world.edit({"x": LOGO + b"1"})
    before = world.snapshot(), world.status()
    assert world.update().conflicts
    taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), world.status()) == before


def test_a_record_that_cannot_be_read_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {})
    world.edit({RECORD: "conflicts: [{path: x, colour: red}]\n"})
    done = mlops("check", "--json", cwd=world.project)
    assert done.returncode == 1
    assert "git rm .mlops/conflicts.yml" in json.loads(done.stdout)["error"]


def test_a_page_that_shows_markers_says_so_to_git(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {})
    world.edit({"merging.md": "<<<<<<< project\na\n=======\nb\n>>>>>>> template\n"})
    assert list(standing(world).conflicts) == ["merging.md"]
    world.edit({".gitattributes": "merging.md conflict-marker-size=32\n"})
    assert standing(world).conflicts == {}


def test_what_copiers_own_update_rejects_is_named(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {})
    world.edit({"a.txt.rej": "@@ -1 +1 @@\n"})
    assert standing(world).conflicts == {"a.txt.rej": "left over by copier update"}


def test_strict_is_for_what_is_here_and_not_for_a_newer_template(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"ci/run.yml": "run: 1\n"}, {"a.txt": "new\n"}, questions=QUESTIONS)
    assert mlops("check", cwd=world.project).returncode == 2
    done = mlops("check", "--strict", cwd=world.project)
    assert (done.returncode, "not the newest" in done.stderr) == (0, True), done.stderr
    world.edit({"ci/run.yml": "run: 2\n"})
    assert mlops("check", "--strict", cwd=world.project).returncode == 2


def test_a_version_that_a_bot_has_raised_is_no_drift(tmp_path: Path) -> None:
    raised = {
        f"uses: a/b@{'0' * 40} # v7.0.1": f"uses: a/b@{'1' * 40} # v8",
        "uses: a/b@v4": f"uses: a/b@{'1' * 40} # v4.2",
        "image: python:3.12-slim": f"image: python:3.13-slim@sha256:{'a' * 64}",
        "run: pip install uv==0.9.1 && uvx copier@9.1": "run: pip install uv==0.10 && uvx copier@9.19.1",
    }
    files = {f"ci/{number}.yml": f"- {line}\n" for number, line in enumerate(raised)}
    world = make_world(tmp_path, files, {}, questions=QUESTIONS)
    world.edit({path: f"- {line}\n" for path, line in zip(files, raised.values(), strict=True)})
    found = standing(world)
    assert (found.drifted, found.edited) == ([], sorted(files))
    world.edit({"ci/1.yml": world.text("ci/1.yml") + "- run: more\n"})
    assert standing(world).drifted == ["ci/1.yml"]


def test_check_takes_several_projects_and_prints_a_line_for_each(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {})
    done = mlops("check", "--json", str(world.project), str(tmp_path), cwd=tmp_path)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, first["version"], first["conflicts"]) == (1, "v1.0.0", {})
    assert "not a project" in second["error"]


@pytest.mark.parametrize("words", [["check", "--nosuch"], ["update", "--to"], ["nosuch"]])
def test_a_usage_error_is_not_taken_for_a_finding(words: list[str], tmp_path: Path) -> None:
    done = mlops(*words, cwd=tmp_path)
    assert (done.returncode, "Error: " in done.stderr) == (64, True), done.stderr
