"""What cannot be done is said in one sentence with a next step, exit code 1, and nothing is touched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world, new_project, write

LINES = "".join(f"line {number}\n" for number in range(12))
ANSWERS = ".copier-answers.yml"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(
        tmp_path,
        {"a.txt": LINES, "b.txt": LINES},
        {"a.txt": LINES + "more\n"},
        questions="name: demo\nkind: {type: str, default: a, choices: [a, b]}\n",
    )


def refused(world: World, *arguments: str, cwd: Path | None = None) -> str:
    """The sentence with which a command ends; the project is as it was."""
    before, index = world.snapshot(), git("ls-files", "--stage", cwd=world.project)
    done = mlops(*arguments, cwd=cwd or world.project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("mlops: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert world.snapshot() == before
    assert git("ls-files", "--stage", cwd=world.project) == index
    return done.stderr


def replace(text: str, by: str) -> Callable[[str], str]:
    return lambda answers: answers.replace(text, by)


@pytest.mark.parametrize("command", [["update"], ["check"], ["diff"], ["add", "x"], ["remove", "x"], ["explain", "x"]])
def test_no_project(command: list[str], world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert "is not a project made by mlops or copier" in refused(world, *command, cwd=tmp_path / "elsewhere")
    git("init", "--quiet", cwd=tmp_path / "elsewhere")
    assert "is not a project made by mlops or copier" in refused(world, *command, cwd=tmp_path / "elsewhere")


def test_no_such_folder(world: World) -> None:
    assert "nowhere" in refused(world, "update", "nowhere")


def test_no_git_repository(world: World) -> None:
    git_folder = world.project / ".git"
    git_folder.rename(world.folder / "kept")
    done = mlops("update", "-l", cwd=world.project)
    assert (done.returncode, "git init" in done.stderr) == (1, True)


def test_no_commit_yet(world: World) -> None:
    shutil.rmtree(world.project / ".git")
    git("init", "--quiet", cwd=world.project)
    done = mlops("update", "-l", cwd=world.project)
    assert (done.returncode, "in no commit yet" in done.stderr) == (1, True)


def test_answers_that_are_in_no_commit(world: World) -> None:
    git("rm", "--quiet", "--cached", ANSWERS, cwd=world.project)
    (world.project / ".git/info/exclude").write_text(ANSWERS)
    git("commit", "--quiet", "--message", "answers", cwd=world.project)
    assert f"{ANSWERS} is in no commit" in refused(world, "update", "-l")


@pytest.mark.parametrize("staged", [False, True])
def test_uncommitted_changes_are_named(staged: bool, world: World) -> None:
    write(world.project, {"a.txt": "being edited\n", "b.txt": None})
    if staged:
        git("add", "--all", cwd=world.project)
    said = refused(world, "update", "-l")
    assert "a.txt, b.txt" in said
    assert "Commit or stash them" in said


@pytest.mark.parametrize("name", ["MERGE_HEAD", "CHERRY_PICK_HEAD"])
def test_in_the_middle_of_a_merge(name: str, world: World) -> None:
    (world.project / ".git" / name).write_text(git("rev-parse", "HEAD", cwd=world.project) + "\n")
    assert "going on" in refused(world, "update", "-l")


def test_a_downgrade(world: World) -> None:
    world.update()
    commit(world.project, "updated")
    said = refused(world, "update", "-l", "--to", "v1.0.0")
    assert "v1.0.0 is older than v2.0.0" in said
    assert "revert" in said


def test_a_version_that_does_not_exist(world: World) -> None:
    assert "There are: v2.0.0, v1.0.0." in refused(world, "update", "-l", "--to", "v2.0.1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: "a: [b\n", ANSWERS),
        (lambda _: "- a\n- b\n", ANSWERS),
        (lambda _: "", ANSWERS),
        (lambda _: "\0\x01", ANSWERS),
        (replace("kind: a", "kind: nonsense"), "kind"),
        (replace("kind: a", "kind: [1, {b: 2}]"), "kind"),
        (replace("_commit: v1.0.0\n", ""), "has no _commit"),
        (replace("_commit: v1.0.0", "_commit: v9.9.9"), "v9.9.9"),
        (replace("_commit: v1.0.0", "_commit: [1]"), "_commit"),
        (replace("_src_path: /", "_src_path: ../x/"), "relative path"),
        (replace("_src_path: /", "_src_path: https://127.0.0.1:1/"), "cannot be reached"),
        (replace("_src_path: /", "_src_path: /nowhere/"), "is gone, and not in the cache"),
        (replace("_src_path: /", "_src_path: 7 #"), "_src_path"),
    ],
)
def test_an_answers_file_that_was_edited_by_hand(change: Callable[[str], str], says: str, world: World) -> None:
    path = world.project / ANSWERS
    path.write_text(change(path.read_text()))
    commit(world.project, "nonsense")
    for command in (["update", "-l"], ["check"], ["diff"]):
        assert says in refused(world, *command)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "kind=z"], "kind"),
        (["--data", "knid=b"], "kind"),
        (["--data", "kind"], "KEY=VALUE"),
        (["--data-file", "nowhere.yml"], "nowhere.yml"),
        (["--engine", "magic"], "merge, copier"),
        (["--answers-file", "other.yml"], "other.yml"),
    ],
)
def test_wrong_arguments(arguments: list[str], says: str, world: World) -> None:
    assert says in refused(world, "update", "-l", *arguments)


def test_offline_and_not_cached(world: World, tmp_path: Path) -> None:
    path = world.project / ANSWERS
    path.write_text(replace("_src_path: /", "_src_path: https://example.com/")(path.read_text()))
    commit(world.project, "elsewhere")
    assert "Run once without --offline" in refused(world, "update", "-l", "--offline")


def move_tag(template: Path) -> None:
    write(template, {"a.txt": LINES + "something else\n"})
    commit(template, "moved")
    git("tag", "--force", "v1.0.0", cwd=template)


def test_a_moved_tag_is_known_by_the_mirror(world: World) -> None:
    world.update(dry_run=True)
    move_tag(world.template)
    said = refused(world, "update", "-l")
    assert "v1.0.0 was moved" in said
    assert "maintains the template" in said
    assert "was moved" in refused(world, "check")


def test_a_moved_tag_is_known_by_the_recorded_commit(tmp_path: Path) -> None:
    recording = "{{ _copier_answers|to_nice_yaml -}}_commit_sha: {{ _copier_conf.vcs_ref_hash }}\n"
    name = "{{ _copier_conf.answers_file }}.jinja"
    world = make_world(tmp_path, {name: recording, "a.txt": LINES}, {"a.txt": LINES + "more\n"})
    move_tag(world.template)
    shutil.rmtree(Path(os.environ["MLOPS_CACHE_DIR"]) / "mirrors")
    assert "v1.0.0 was moved" in refused(world, "update", "-l")


def test_two_projects_may_have_one_template_of_which_a_tag_moved(world: World, tmp_path: Path) -> None:
    """A moved tag is no matter to a project of another version."""
    world.update()
    commit(world.project, "updated")
    move_tag(world.template)
    done = mlops("check", cwd=world.project)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_place_that_cannot_be_written(world: World) -> None:
    before = world.snapshot()
    place, command = str(world.project), [sys.executable, "-m", "mlops_scaffold", "update", "-l"]
    script = f'mount --bind {place} {place} && mount -o remount,ro,bind {place} && cd {place} && exec "$@"'
    wrapped = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("a read-only mount needs a privilege that is not here")
    done = subprocess.run(wrapped, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert world.snapshot() == before
    assert world.status() == ""


def test_nothing_to_abort(world: World) -> None:
    assert "no update" in refused(world, "update", "--abort").lower()


def test_a_template_that_is_no_longer_one(world: World) -> None:
    write(world.template, {"copier.yml": "a: [b\n"})
    commit(world.template, "broken")
    git("tag", "v3.0.0", cwd=world.template)
    assert "copier.yml" in refused(world, "update", "-l")


def test_the_same_name_again_in_a_fresh_project(world: World, tmp_path: Path) -> None:
    """What was refused leaves nothing behind that keeps the next command."""
    write(world.project, {"a.txt": "being edited\n"})
    refused(world, "update", "-l")
    commit(world.project, "done")
    assert mlops("update", "-l", cwd=world.project).returncode == 2
    assert new_project(world.template, tmp_path / "fresh" / "project").exists()
