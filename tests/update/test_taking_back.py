"""Taking an update back: also one that is interrupted while it is taken back, and the files that uv resolved again."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlops_scaffold.applying.session import opened
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report
from mlops_scaffold.vcs import files

from tests.conftest import git, mlops
from tests.update.test_killed import index, prepared
from tests.update.world import World, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
PYPROJECT = '[project]\nname = "demo"\nversion = "{version}"\nrequires-python = ">=3.11"\n'


def failing(numbers: set[int], error: BaseException) -> Callable[[Path, Path], None]:
    """Putting a file into place, which fails at some of its calls."""
    real, calls = files.replace, []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) in numbers:
            raise error
        real(source, target)

    return replace


FULL = OSError(28, "No space left on device", "src/a.txt")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), FULL], ids=["Ctrl-C twice", "a full disk that stays full"])
def test_what_cannot_be_taken_back_now_is_by_the_next_command(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    # The fourth file cannot be put into place, nor can the first one be brought back.
    monkeypatch.setattr(files, "replace", failing({4, 5}, error))
    with pytest.raises((KeyboardInterrupt, MlopsError)) as raised:
        world.update()
    assert "as it was" not in str(raised.value)
    assert (world.snapshot(), index(world)) != before
    monkeypatch.undo()
    with opened(world.project, None, Report(quiet=True), write=False):
        pass
    assert (world.snapshot(), index(world)) == before
    world.update()
    assert world.stages()


def test_a_lock_file_that_was_resolved_again_is_taken_back_too(tmp_path: Path) -> None:
    older, newer = (PYPROJECT.format(version=version) for version in ("1.0", "2.0"))
    world = make_world(tmp_path, {"pyproject.toml": older}, {"pyproject.toml": newer})
    lock = [process.uv(), "lock", "--quiet", "--offline"]
    subprocess.run(lock, cwd=world.project, env=process.project_environment(), check=True)
    world.edit({})
    before = world.snapshot(), index(world)
    assert mlops("update", "--defaults", cwd=world.project).returncode == 0
    assert 'version = "2.0"' in world.text("uv.lock")
    assert "uv.lock" in git("diff", "--cached", "--name-only", cwd=world.project)
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert (world.snapshot(), index(world)) == before
    assert world.status() == ""
    assert mlops("update", "--defaults", cwd=world.project).returncode == 0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})


def test_what_was_put_aside_stays_whatever_is_put_aside_later(world: World) -> None:
    asides = []
    for words in ("FIRST\n", "SECOND\n"):
        world.update()
        write(world.project, {"a.txt": words})
        done = mlops("update", "--abort", "--quiet", cwd=world.project)
        asides.append(Path(done.stderr.strip().rpartition(" is in ")[2]))
        time.sleep(1)  # they are named by the second
    assert [aside.read_text() for aside in asides] == ["FIRST\n", "SECOND\n"]


def test_abort_says_as_json_where_an_edited_file_is(world: World) -> None:
    world.update()
    write(world.project, {"a.txt": "SINCE\n"})
    done = mlops("update", "--abort", "--json", cwd=world.project)
    (line,) = json.loads(done.stdout)["edited_since"]
    assert Path(line.rpartition(" is in ")[2]).read_text() == "SINCE\n"


def test_abort_cannot_be_tried_out(world: World) -> None:
    world.update()
    staged = index(world)
    done = mlops("update", "--abort", "--dry-run", cwd=world.project)
    assert done.returncode == 1
    assert "Leave out --dry-run" in done.stderr
    assert index(world) == staged
