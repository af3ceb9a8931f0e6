"""A dry run writes nothing at all, and says what the update then does."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.ground import process
from mlops_scaffold.updating.request import Outcome

from tests.conftest import git
from tests.update.test_killed import prepared
from tests.update.world import World, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
PYPROJECT = '[project]\nname = "demo"\nversion = "{version}"\nrequires-python = ">={python}"\ndependencies = []\n'


def everything(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder, git's too: when it was written, how large it is, its rights."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        stat = path.lstat()
        # git notes at each object that it comes across that it is still of use.
        is_object = path.is_file() and ".git/objects/" in path.as_posix()
        found[path.relative_to(folder).as_posix()] = (0 if is_object else stat.st_mtime_ns, stat.st_size, stat.st_mode)
    return found


def said(outcome: Outcome) -> tuple[Any, ...]:
    """What is told of an update, whether it is made or not."""
    return outcome.older, outcome.newer, outcome.changes, outcome.conflicts


def moves(tmp_path: Path) -> World:
    """Files that are moved by the template, by the person, and local ones in the way."""
    before = {"a.txt": LINES * 9, "b.txt": LINES * 9, ".gitignore": ".env\n", ".env": "one\n"}
    after = {"a.txt": None, "d/a.txt": LINES * 9, "b.txt": LINES * 9 + "more\n", ".env": "two\n", "new.txt": LINES}
    world = make_world(tmp_path, before, after)
    world.edit({"a.txt": "MINE\n" + LINES * 9, "b.txt": None, "mine.txt": LINES * 9})
    write(world.project, {".env": "SECRET\n"})
    return world


def lock_file(tmp_path: Path, late: str) -> World:
    """A template with a uv.lock for one Python; the person has it for another, the late template for a third."""

    def locked(python: str) -> dict[str, str]:
        folder = tmp_path / python
        write(folder, {"pyproject.toml": PYPROJECT.format(version="1.0", python=python)})
        command = [process.uv(), "lock", "--quiet", "--offline"]
        subprocess.run(command, cwd=folder, env=process.project_environment(), check=True)
        return {name: (folder / name).read_text() for name in ("pyproject.toml", "uv.lock")}

    base, mine, theirs = map(locked, ("3.9", "3.10", "3.11"))
    world = make_world(tmp_path / "world", base, {"uv.lock": theirs["uv.lock"], "pyproject.toml": late})
    world.edit({"uv.lock": mine["uv.lock"]})
    return world


@pytest.mark.parametrize("make", [prepared, moves])
def test_a_dry_run_is_the_update_that_is_not_written(make: Any, tmp_path: Path) -> None:
    world = make(tmp_path)
    before = everything(world.project)
    dry = world.update(dry_run=True)
    assert everything(world.project) == before
    assert said(dry) == said(world.update())


def test_a_lock_file_in_conflict_is_resolved_by_uv_and_a_dry_run_says_so(tmp_path: Path) -> None:
    late = PYPROJECT.format(version="2.0", python="3.9")
    world = lock_file(tmp_path, late)
    dry = world.update(dry_run=True)
    made = world.update()
    assert said(dry) == said(made)
    assert made.conflicts == 0
    assert world.stages() == {}
    assert 'version = "2.0"' in world.text("uv.lock")
    assert "<<<<<<<" not in world.text("uv.lock")
    assert git("status", "--porcelain", "uv.lock", cwd=world.project) == "M  uv.lock"


def test_a_lock_file_that_cannot_be_resolved_stays_the_projects_and_a_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = PYPROJECT.format(version="2.0", python="3.9").replace("[]", '["a-package-that-is-nowhere"]')
    world = lock_file(tmp_path, late)
    mine = world.text("uv.lock")
    monkeypatch.setenv("UV_OFFLINE", "1")
    outcome = world.update()
    assert [change.note for change in outcome.changes if change.status == "conflict"] == [
        "yours for now: settle pyproject.toml, then run uv lock && git add uv.lock"
    ]
    assert {stage for path, stage in world.stages() if path == "uv.lock"} == {1, 2, 3}
    assert world.text("uv.lock") == mine
