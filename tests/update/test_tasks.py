"""A template's tasks and migrations run in a copy, once it is trusted; what they make is merged."""

import json
from pathlib import Path

import pytest

from tests.conftest import git, mlops
from tests.update.world import World, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))


def with_tasks(tmp_path: Path, *commands: str, late: str = "", **more: str) -> World:
    """A template whose second version has tasks; it changes a file, and adds one that its projects ignore."""
    config = f"name: demo\n{late or f'_tasks: {json.dumps(commands)}'}\n"
    before = {"a.txt": LINES, "b.txt": LINES, ".gitignore": ".env\nbuild/\n"}
    return make_world(tmp_path, before, {"a.txt": LINES + "more\n", ".env": "the template's\n", **more}, late=config)


def update(world: World, *options: str, code: int = 0) -> str:
    """`mlops update`, and what it says."""
    done = mlops("update", "--defaults", *options, cwd=world.project)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_a_task_makes_changes_and_removes_is_in_the_update(tmp_path: Path) -> None:
    world = with_tasks(tmp_path, "echo made > made.txt", "echo task >> a.txt", "rm b.txt", "chmod +x a.txt")
    said = update(world, "--trust")
    assert world.text("a.txt") == LINES + "more\ntask\n"
    assert git("diff", "--cached", "--name-status", cwd=world.project).split() == [
        *("M", ".copier-answers.yml", "M", "a.txt", "D", "b.txt", "A", "made.txt")
    ]
    assert "added     made.txt" in said
    assert git("ls-files", "--stage", "a.txt", cwd=world.project).startswith("100755")
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert not (world.project / "made.txt").exists()
    assert world.status() == ""


def test_a_task_finds_no_local_file_and_writes_none(tmp_path: Path) -> None:
    world = with_tasks(
        tmp_path, "cat .env own.txt > seen.txt || true", "echo stolen > .env", "mkdir -p build && touch build/x"
    )
    write(world.project, {".env": "SECRET\n", "own.txt": "UNTRACKED\n"})
    said = update(world, "--trust")
    assert world.text(".env") == "SECRET\n"
    assert world.text("own.txt") == "UNTRACKED\n"
    assert world.text("seen.txt") == "the template's\n"
    assert "it was left out (build/)" in said
    assert not (world.project / "build").exists()


def test_what_a_task_does_with_git_stays_in_the_copy(tmp_path: Path) -> None:
    world = with_tasks(
        tmp_path, "git add -A && git commit -qm task --allow-empty", "git init -q", "echo x > .git/hooks/post-commit"
    )
    head = git("rev-parse", "HEAD", cwd=world.project)
    update(world, "--trust")
    assert git("rev-parse", "HEAD", cwd=world.project) == head
    assert not (world.project / ".git/hooks/post-commit").exists()
    assert world.text("a.txt") == LINES + "more\n"


def test_a_conflict_stays_one_whatever_a_task_does_with_it(tmp_path: Path) -> None:
    world = with_tasks(tmp_path, "echo settled > b.txt", **{"b.txt": LINES.replace("line 3", "theirs")})
    world.edit({"b.txt": LINES.replace("line 3", "MINE")})
    update(world, "--trust", code=2)
    assert world.stages()["b.txt", 2] == LINES.replace("line 3", "MINE").encode()
    assert "MINE" in world.text("b.txt")


@pytest.mark.usefixtures("strangers")
def test_nothing_runs_before_it_is_trusted(tmp_path: Path) -> None:
    world = with_tasks(tmp_path, f"touch {tmp_path}/ran")
    assert "--trust" in update(world, code=1)
    assert not (tmp_path / "ran").exists()
    assert world.status() == ""
    update(world, "--skip-tasks")
    assert not (tmp_path / "ran").exists()
    assert world.text("a.txt") == LINES + "more\n"


def test_a_task_that_fails_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    world = with_tasks(tmp_path, "echo made > made.txt", "false")
    before = world.snapshot()
    said = update(world, "--trust", code=1)
    assert "A task of the template failed (1): false" in said
    assert "--skip-tasks" in said
    assert world.snapshot() == before


def test_a_dry_run_says_what_the_tasks_make(tmp_path: Path) -> None:
    world = with_tasks(tmp_path, "echo made > made.txt")
    done = mlops("update", "--defaults", "--trust", "--dry-run", cwd=world.project)
    assert "added     made.txt" in done.stderr
    assert "+made" in done.stdout
    assert not (world.project / "made.txt").exists()


@pytest.mark.parametrize(("version", "runs"), [("0.9.0", False), ("1.5.0", True), ("2.0.0", True), ("2.0.1", False)])
def test_a_migration_runs_between_its_versions(version: str, runs: bool, tmp_path: Path) -> None:
    late = f"_migrations: [{{version: {version}, command: 'echo $VERSION_FROM $STAGE > ran.txt'}}]"
    world = with_tasks(tmp_path, late=late)
    update(world, "--trust")
    assert (world.project / "ran.txt").exists() is runs
    assert not runs or world.text("ran.txt") == "v1.0.0 after\n"


def test_a_migration_before_the_update_moves_what_the_person_has(tmp_path: Path) -> None:
    late = """_migrations: [{command: 'mkdir d && mv b.txt d/b.txt', when: "{{ _stage == 'before' }}"}]"""
    world = with_tasks(tmp_path, late=late, **{"b.txt": None, "d/b.txt": LINES.replace("line 9", "fixed")})  # type: ignore[arg-type]
    world.edit({"b.txt": LINES.replace("line 3", "MINE")})
    update(world, "--trust")
    assert world.text("d/b.txt") == LINES.replace("line 3", "MINE").replace("line 9", "fixed")


def submodule(world: World, folder: str) -> None:
    """A submodule in the template's repository, in a version of its own."""
    module = world.folder / "module"
    module.mkdir()
    git("init", "--quiet", cwd=module)
    git("commit", "--quiet", "--allow-empty", "--message", "m", cwd=module)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), folder, cwd=world.template)
    git("commit", "--quiet", "--message", "module", cwd=world.template)
    git("tag", "v3.0.0", cwd=world.template)


@pytest.mark.parametrize("folder", ["extra", "template/extra"])
def test_a_submodule_that_is_rendered_is_refused_and_no_other(folder: str, tmp_path: Path) -> None:
    config = "_subdirectory: template\nname: demo\n"
    answers = {"template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml -}}"}
    world = make_world(tmp_path, {"template/a.txt": LINES, **answers}, {"template/a.txt": LINES + "more\n"}, config)
    submodule(world, folder)
    if folder == "extra":
        update(world)
        assert world.text("a.txt") == LINES + "more\n"
    else:
        said = update(world, code=1)
        assert "the template renders files of a submodule" in said
        assert "--engine copier" in said
        assert world.status() == ""
