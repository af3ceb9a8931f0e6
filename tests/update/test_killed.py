"""A kill at any moment: the next command leaves the project exactly as before, or exactly updated."""

import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlops_scaffold.applying import index as index_module
from mlops_scaffold.applying import journal, taking_back, writing
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report
from mlops_scaffold.vcs import files
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git, mlops
from tests.update.world import Files, World, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
BEFORE: Files = {f"src/{name}.txt": LINES + name for name in "abcdef"} | {
    "gone/x.txt": "x\n",
    "flip": LINES,
    "bin": b"\0\1",
}
AFTER: Files = (
    {f"src/{name}.txt": LINES.replace("line 9", "fixed") + name for name in "abcdef"}
    | {f"new/{name}.txt": LINES for name in "abc"}
    | {"gone/x.txt": None, "flip": None, "flip/y.txt": "y\n", "bin": b"\0\2", ".gitignore": "*.local\n"}
    | {"s.local": "the template's\n"}
)
EDIT = {
    "src/a.txt": LINES.replace("line 3", "MINE") + "a",
    "src/b.txt": LINES.replace("line 9", "MINE") + "b",
    "src/c.txt": None,
    "own.txt": "OWN\n",
}


# Any of ours, as the next one; none of them changes the project itself.
COMMANDS = (
    ("check",),
    ("diff",),
    ("explain", "own.txt"),
    ("components",),
    ("presets",),
    ("doctor",),
    ("setup",),
    ("add", "nothing"),
    ("remove", "nothing"),
    ("update", "--defaults", "--dry-run"),
    ("new", "../another", "--defaults", "--no-setup", "--vcs-ref", "v9.9.9"),
)


def prepared(tmp_path: Path) -> World:
    """A project where an update adds, removes, merges, keeps and leaves a conflict."""
    world = make_world(tmp_path, BEFORE, AFTER)
    world.edit(EDIT)
    write(world.project, {"untracked.txt": "UNTRACKED\n"})
    return world


def index(world: World) -> str:
    """What git has staged, conflicts too."""
    return git("ls-files", "--stage", cwd=world.project)


def forked(act: Callable[[], object]) -> int:
    """Run in a process of its own, without a farewell."""
    child = os.fork()
    if child:
        return child
    tempfile.tempdir = os.environ["PYTEST_DEBUG_TEMPROOT"]  # pytest deletes what killed processes leave there
    try:
        act()
    except BaseException:
        os._exit(1)
    os._exit(0)


def next_command(world: World) -> None:
    """Any of ours."""
    with opened(world.project, None, Report(quiet=True), write=False):
        pass


def states(tmp_path: Path) -> tuple[World, tuple[object, str], tuple[object, str]]:
    """A prepared world, and what it is before and after an update."""
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    world.update()
    after = world.snapshot(), index(world)
    assert world.stages()
    taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), index(world)) == before, "--abort brings everything back"
    return world, before, after


@pytest.mark.long
def test_twenty_kills(tmp_path: Path) -> None:
    kills(tmp_path, in_writing=10, anywhere=6, at_any_time=4, act=next_command)


@pytest.mark.soak
def test_two_hundred_kills_and_each_command_as_the_next_one(tmp_path: Path) -> None:
    commands = itertools.cycle(COMMANDS)

    def command(world: World) -> None:
        done = mlops(*next(commands), cwd=world.project, MLOPS_TEMPLATE=str(world.template))
        assert "Traceback" not in done.stderr

    kills(tmp_path, in_writing=100, anywhere=60, at_any_time=40, act=command)


def kills(tmp_path: Path, in_writing: int, anywhere: int, at_any_time: int, act: Callable[[World], None]) -> None:
    """Before steps that it takes with files, those of its writing above all; and whenever, in the middle of git too."""
    world, before, after = states(tmp_path)
    lock = world.project / ".git/index.lock"
    start = time.monotonic()
    steps = steps_of(world, tmp_path / "steps")
    whole = time.monotonic() - start
    taking_back.abort(open_repository(world.project))
    # It writes from when it makes git's lock of the index until it renames it.
    taken, *_, renamed = (number for number, step in enumerate(steps) if str(lock) in step)

    def look() -> None:
        for name in ("OWN", "UNTRACKED"):
            assert world.holds(name)
        act(world)
        now = world.snapshot(), index(world)
        assert now in (before, after)
        assert not lock.exists()
        if now == after:
            taking_back.abort(open_repository(world.project))
            assert (world.snapshot(), index(world)) == before

    dice = random.Random(20)
    for number in dice.choices(range(1, renamed - taken + 1), k=in_writing):
        kill_before(world, number, str(lock))
        assert lock.exists()
        look()
    for number in dice.choices(range(len(steps)), k=anywhere):
        kill_before(world, number)
        look()
    for _ in range(at_any_time):
        child = forked(world.update)
        time.sleep(dice.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        look()


def steps_of(world: World, file: Path) -> list[str]:
    """All that an update does outside its own memory, step by step."""

    def update() -> None:
        steps: list[str] = []
        before_each_step(steps.append)
        world.update()
        file.write_text("\n".join(steps), encoding="utf-8")

    os.waitpid(forked(update), 0)
    return file.read_text(encoding="utf-8").splitlines()


def kill_before(world: World, number: int, since: str = "") -> None:
    """An update that dies before its n-th step, counted from zero: from the first step that speaks of something."""

    def update() -> None:
        steps: list[str] = []

        def dies(step: str) -> None:
            if not steps and since not in step:
                return
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            steps.append(step)

        before_each_step(dies)
        world.update()

    os.waitpid(forked(update), 0)


def before_each_step(act: Callable[[str], object]) -> None:
    """From now on, for as long as this process lives, Python calls it before a step with a file or a program."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(("open", "os.", "shutil.", "subprocess.")):
            act(f"{event} {arguments!r}")

    sys.addaudithook(hook)


PLACES = {
    "lay_out": writing,
    "hold": index_module,
    "require_as_planned": writing,
    "put_in_place": writing,
    "replace": files,
    "remove_empty_folders": files,
}


@pytest.mark.parametrize("reset", [False, True], ids=["", "then git reset --hard"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", PLACES)
def test_a_kill_at_each_step(place: str, when: str, reset: bool, tmp_path: Path) -> None:
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    for number in range(1, 4) if place == "replace" else [1]:
        kill_at(world, place, when, number)
        if reset:
            (world.project / ".git/index.lock").unlink(missing_ok=True)
            git("reset", "--quiet", "--hard", cwd=world.project)
        next_command(world)
        assert (world.snapshot(), index(world)) == before
        assert "MINE" in world.text("src/a.txt")
    world.update()
    assert world.stages()


def kill_at(world: World, place: str, when: str, number: int) -> None:
    """The same, in a process of its own; it must have come there."""
    _, status = os.waitpid(forked(lambda: killed_at(world, place, when, number)), 0)
    assert os.WIFSIGNALED(status), f"the update has not come to {place} no. {number}"


def killed_at(world: World, place: str, when: str, number: int) -> None:
    """An update that dies before or after the n-th call of a function."""
    real = getattr(PLACES[place], place)
    calls = []

    def dies(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*arguments)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(PLACES[place], place, dies)
    world.update()


@pytest.mark.parametrize(("replaced", "written"), [(4, False), (9, True)], ids=["not yet written", "already written"])
def test_edits_after_a_kill_stay(replaced: int, written: bool, tmp_path: Path) -> None:
    world = prepared(tmp_path)
    before = world.snapshot()
    kill_at(world, "replace", "after", replaced)
    assert ("fixed" in world.text("src/a.txt")) is written
    write(world.project, {"src/a.txt": "WRITTEN SINCE\n"})
    next_command(world)
    assert world.snapshot() == {**before, "src/a.txt": (b"WRITTEN SINCE\n", False, False)}


def test_abort_keeps_what_was_written_since(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    world.update()
    write(world.project, {"src/d.txt": "WRITTEN SINCE\n"})
    lines = taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), index(world)) == before
    kept = Path(lines[0].split(" is in ")[1])
    assert kept.read_text() == "WRITTEN SINCE\n"


def test_a_committed_update_is_not_aborted(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    world.update()
    git("commit", "--quiet", "--message", "updated", cwd=world.project)
    with pytest.raises(MlopsError, match="in a commit already"):
        taking_back.abort(open_repository(world.project))


def test_two_at_once_in_one_project(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    with journal.locked(open_repository(world.project)), pytest.raises(MlopsError, match="Another update"):
        world.update()


def test_a_full_disk_leaves_the_project_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    real, calls = shutil.copy2, []

    def full(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device", str(arguments[1]))
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(MlopsError, match="No space left"):
        world.update()
    assert (world.snapshot(), index(world)) == before
    monkeypatch.undo()
    world.update()


def test_git_is_busy(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    before = world.snapshot()
    (world.project / ".git/index.lock").touch()
    with pytest.raises(MlopsError, match="Another git command"):
        world.update()
    assert world.snapshot() == before
    assert (world.project / ".git/index.lock").exists()
