"""What somebody does while an update is planned and written is never undone: the update refuses, or leaves it alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.applying import index as index_module
from mlops_scaffold.applying import writing
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.planning import merging
from mlops_scaffold.vcs import files

from tests.conftest import git
from tests.update.world import World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
BEFORE = dict.fromkeys(("a.txt", "b.txt", "gone.txt", "z.txt"), LINES)
AFTER = {"a.txt": LINES + "more\n", "b.txt": LINES + "more\n", "gone.txt": None, "z.txt": LINES + "more\n"}
Deed = Callable[[World], object]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, dict(BEFORE), AFTER)


def in_place(world: World) -> None:
    """An editor that writes into the file that is there."""
    with (world.project / "z.txt").open("a") as file:
        file.write("SAVED\n")


def by_rename(world: World) -> None:
    """An editor that puts a new file into the place of the old one."""
    write(world.project, {"new": LINES + "SAVED\n"})
    (world.project / "new").replace(world.project / "z.txt")


def staged(world: World) -> None:
    """An edit that is staged, and not committed."""
    in_place(world)
    git("add", "z.txt", cwd=world.project)


DEEDS: dict[str, Deed] = {
    "saves in place": in_place,
    "saves by a rename": by_rename,
    "makes it executable": lambda world: (world.project / "z.txt").chmod(0o755),
    "makes it a link": lambda world: write(world.project, {"z.txt": "-> a.txt"}),
    "deletes it": lambda world: (world.project / "z.txt").unlink(),
    "commits": lambda world: world.edit({"z.txt": LINES + "SAVED\n"}),
    "commits something else": lambda world: world.edit({"own.txt": "SAVED\n"}),
    "stages": staged,
    "saves what is to be removed": lambda world: write(world.project, {"gone.txt": "SAVED\n"}),
}
MOMENTS = {
    "while it is planned": (merging, "combine"),
    "while it is laid out": (writing, "lay_out"),
    "before git's lock": (index_module, "hold"),
    "before the first file": (writing, "put_in_place"),
    "after the first file": (files, "replace"),
}


def at(monkeypatch: pytest.MonkeyPatch, moment: str, act: Callable[[], object]) -> None:
    """Do something once, at a moment of the next update: before a step, and for files after it."""
    module, name = MOMENTS[moment]
    real = getattr(module, name)
    done: list[int] = []

    def step(*arguments: object) -> object:
        first = not done
        done.append(1)
        if first and name != "replace":
            act()
        result = real(*arguments)
        if first and name == "replace":
            act()
        return result

    monkeypatch.setattr(module, name, step)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_of_it_is_lost(deed: str, moment: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = moment in ("before the first file", "after the first file")
    if locked and deed in ("commits", "commits something else", "stages"):
        pytest.skip("git itself refuses, as its index is locked")
    seen: list[tuple[Any, str, str]] = []

    def act() -> None:
        DEEDS[deed](world)
        there = {"gone.txt": was["gone.txt"], **world.snapshot()}
        seen.append((there, git("ls-files", "--stage", cwd=world.project), git("log", cwd=world.project)))

    was = world.snapshot()

    at(monkeypatch, moment, act)
    if deed == "saves what is to be removed" and moment == "after the first file":
        world.update()  # it is gone by then: what is written now is a new file
        assert world.text("gone.txt") == "SAVED\n"
        return
    with pytest.raises(MlopsError):
        world.update()
    snapshot, staged, log = seen[0]
    now = world.snapshot()
    if not (locked and deed == "deletes it"):  # then it is there again, as is all that is missing
        assert now.get("z.txt") == snapshot.get("z.txt")
    assert (now.get("own.txt"), now["gone.txt"]) == (snapshot.get("own.txt"), snapshot["gone.txt"])
    assert now["a.txt"][0] == LINES.encode(), "and the rest is as it was"
    assert (git("ls-files", "--stage", cwd=world.project), git("log", cwd=world.project)) == (staged, log)
    assert not (world.project / ".git/index.lock").exists()
    monkeypatch.undo()
    git("checkout", "--quiet", "HEAD", "--", ".", cwd=world.project)
    world.update()
    assert "more" in world.text("a.txt")


def test_a_commit_in_another_project_of_the_repository_is_none_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, dict(BEFORE), AFTER)
    mono = tmp_path / "mono"
    world.project.rename(mono)
    (mono / "one").mkdir()
    git("mv", "-k", *BEFORE, ".copier-answers.yml", "one", cwd=mono)
    commit(mono)
    here = World(world.folder, mono / "one")

    def elsewhere() -> None:
        write(mono, {"other/x.txt": "SAVED\n"})
        commit(mono)

    at(monkeypatch, "while it is planned", elsewhere)
    here.update()
    assert (mono / "other/x.txt").read_text() == "SAVED\n"
    assert "other" not in git("diff", "--cached", "--name-only", cwd=mono)
    assert here.text("a.txt") == LINES + "more\n"


def test_nothing_is_written_through_a_link_that_a_folder_has_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, {"d/a.txt": LINES}, {"d/a.txt": LINES + "more\n"})
    elsewhere = tmp_path / "elsewhere"

    def link() -> None:
        (world.project / "d").rename(elsewhere)
        (world.project / "d").symlink_to(elsewhere)

    at(monkeypatch, "before the first file", link)
    with pytest.raises(MlopsError, match="a moment ago"):
        world.update()
    assert [path.name for path in elsewhere.iterdir()] == ["a.txt"]
    assert (elsewhere / "a.txt").read_text() == LINES


def test_the_copy_of_what_was_there_is_no_link(world: World) -> None:
    inode = (world.project / "a.txt").stat().st_ino
    world.update()
    copies = [path for path in (world.project / ".git/mlops").rglob("a.txt") if "before" in path.parts]
    assert [path.read_text() for path in copies] == [LINES]
    assert copies[0].stat().st_ino != inode
