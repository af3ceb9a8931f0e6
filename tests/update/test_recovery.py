"""After an update that was cut off, and by `mlops update --abort`, what was there is there again, and no more."""

import json
import os
import shutil
from pathlib import Path

import pytest
from mlops_scaffold.applying import taking_back
from mlops_scaffold.doctor import CHECKS
from mlops_scaffold.doctor.registry import Place
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.vcs import files
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git, mlops
from tests.update.test_killed import COMMANDS, index, kill_at, next_command, prepared
from tests.update.world import Files, World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
BEFORE = {f"{name}.txt": LINES + name for name in "abcd"}
AFTER = {name: content + "more\n" for name, content in BEFORE.items()}


def cut_off(tmp_path: Path, replaced: int = 4) -> tuple[World, object]:
    """An update that has died in its writing phase, and what was there before."""
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    kill_at(world, "replace", "after", replaced)
    assert (world.snapshot(), index(world)) != before
    return world, before


@pytest.mark.parametrize("command", [*COMMANDS, ("update", "--abort")], ids=" ".join)
def test_every_command_takes_it_back(command: tuple[str, ...], tmp_path: Path) -> None:
    world, before = cut_off(tmp_path)
    done = mlops(*command, cwd=world.project, MLOPS_TEMPLATE=str(world.template))
    assert "Traceback" not in done.stderr
    assert "has been taken back" in done.stderr
    assert (world.snapshot(), index(world)) == before
    assert not (world.project / ".git/index.lock").exists()


@pytest.mark.parametrize("command", [["explain", "project/own.txt"], ["doctor", "project"], ["check", "project"]])
def test_a_command_that_names_the_project_takes_it_back_too(command: list[str], tmp_path: Path) -> None:
    world, before = cut_off(tmp_path)
    mlops(*command, cwd=tmp_path)
    assert (world.snapshot(), index(world)) == before


def test_doctor_names_it_until_it_is_taken_back(tmp_path: Path) -> None:
    world, _ = cut_off(tmp_path)
    place = Place(open_project(world.project), offline=False)
    assert [mend for _, mend in CHECKS["unfinished-update"].look(place)] == ["mlops update --abort"]
    done = mlops("doctor", "--json", "--only", "unfinished-update", cwd=world.project)
    assert (done.returncode, "has been taken back" in done.stderr) == (0, True)
    found = json.loads(done.stdout)
    assert (found["checks"], found["findings"], found["unknown"]) == (["unfinished-update"], [], {})


def test_a_command_in_a_folder_of_it_or_in_a_linked_work_tree(tmp_path: Path) -> None:
    world, before = cut_off(tmp_path)
    mlops("components", cwd=world.project / "src")
    assert (world.snapshot(), index(world)) == before
    git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "topic", cwd=world.project)
    linked = World(world.folder, tmp_path / "linked")
    kill_at(linked, "replace", "after", 3)
    mlops("components", cwd=linked.project)
    assert linked.status() == ""


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"state": "applying"}', b"\0\0\0\0"])
def test_a_record_that_a_disk_has_lost(torn: bytes, tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    world.update()
    git("reset", "--quiet", "--hard", cwd=world.project)
    (record,) = (world.project / ".git/mlops").glob("*/journal.json")
    record.write_bytes(torn)
    done = mlops("check", cwd=world.project)
    assert "Traceback" not in done.stderr
    assert "cannot be read" in done.stderr
    kept = Path(done.stderr.partition("kept is in ")[2].partition(": look at")[0])
    assert (kept / "before/a.txt").read_text() == BEFORE["a.txt"]
    world.update()
    assert world.text("a.txt") == AFTER["a.txt"]


@pytest.mark.parametrize("how", ["all", "one file"])
def test_what_was_committed_since_stays(how: str, tmp_path: Path) -> None:
    world, _ = cut_off(tmp_path, replaced=9)
    (world.project / ".git/index.lock").unlink()
    git("add", *(["--all"] if how == "all" else ["src/a.txt"]), cwd=world.project)
    git("commit", "--quiet", "--message", "what is there", cwd=world.project)
    there = git("rev-parse", "HEAD", cwd=world.project)
    next_command(world)
    assert git("rev-parse", "HEAD", cwd=world.project) == there
    assert "fixed" in world.text("src/a.txt")
    assert world.status().replace("?? untracked.txt", "").strip() == ""


def test_a_file_that_a_power_loss_emptied_is_brought_back(tmp_path: Path) -> None:
    world, before = cut_off(tmp_path, replaced=9)
    assert "fixed" in world.text("src/a.txt")
    write(world.project, {"src/a.txt": ""})
    next_command(world)
    assert (world.snapshot(), index(world)) == before


def test_the_copy_of_what_was_there_is_kept_where_a_file_is_edited_since(tmp_path: Path) -> None:
    world, _ = cut_off(tmp_path, replaced=9)
    write(world.project, {"src/a.txt": "SINCE\n"})
    told = taking_back.recover(open_repository(world.project))
    assert world.text("src/a.txt") == "SINCE\n"
    kept = Path(told.partition("as it was before: ")[2].partition(")")[0])
    assert "MINE" in kept.read_text()


def test_files_are_on_the_disk_before_they_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    flushed, real = set(), os.fsync

    def fsync(handle: int) -> None:
        flushed.add(os.fstat(handle).st_ino)
        real(handle)

    def replace(source: Path, target: Path) -> None:
        assert source.stat().st_ino in flushed, "a rename that comes to the disk first leaves an empty file"
        source.replace(target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(files, "replace", replace)
    world.update()
    kept = [path for path in (world.project / ".git/mlops").rglob("*.txt") if "before" in path.parts]
    assert kept
    assert {path.stat().st_ino for path in kept} <= flushed


# --- --abort ---------------------------------------------------------------------------------------------------------


def updated(tmp_path: Path) -> tuple[World, object]:
    """An update with a conflict, and what was there before."""
    world = prepared(tmp_path)
    before = world.snapshot(), index(world)
    world.update()
    assert world.stages()
    return world, before


DEEDS: dict[str, Files] = {
    "deleted": {"src/d.txt": None},
    "deleted, of a conflict": {"src/b.txt": None},
    "edited": {"src/d.txt": "SINCE\n"},
    "made a link": {"src/d.txt": "-> elsewhere"},
    "edited what is new": {"new/a.txt": "SINCE\n"},
    "deleted what is new": {"new/a.txt": None},
    "put back what was removed": {"gone/x.txt": "SINCE\n"},
}


@pytest.mark.parametrize("stage", [False, True], ids=["", "and staged"])
@pytest.mark.parametrize("deed", DEEDS)
def test_abort_after_somebody_went_on(deed: str, stage: bool, tmp_path: Path) -> None:
    world, before = updated(tmp_path)
    write(world.project, DEEDS[deed])
    if stage:
        git("add", "--all", *DEEDS[deed], cwd=world.project)
    lines = taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), index(world)) == before
    edited = any(content is not None for content in DEEDS[deed].values())
    assert len(lines) == int(edited)
    if edited and deed != "made a link":
        assert Path(lines[0].rpartition(" is in ")[2]).read_text() == "SINCE\n"


def test_abort_after_a_conflict_was_settled(tmp_path: Path) -> None:
    world, before = updated(tmp_path)
    write(world.project, {"src/b.txt": "SETTLED\n"})
    git("add", "src/b.txt", cwd=world.project)
    lines = taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), index(world)) == before
    assert Path(lines[0].rpartition(" is in ")[2]).read_text() == "SETTLED\n"


def test_what_was_staged_and_written_over_is_kept_too(tmp_path: Path) -> None:
    world, before = updated(tmp_path)
    write(world.project, {"src/d.txt": "STAGED\n"})
    git("add", "src/d.txt", cwd=world.project)
    write(world.project, {"src/d.txt": "LATER\n"})
    lines = taking_back.abort(open_repository(world.project))
    assert (world.snapshot(), index(world)) == before
    assert {Path(line.rpartition(" is in ")[2]).read_text() for line in lines} == {"STAGED\n", "LATER\n"}


def test_abort_in_a_monorepo_whose_root_has_files_of_the_same_names(tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, {**AFTER, "tox.ini": "theirs\n"})
    mono = tmp_path / "mono"
    shutil.copytree(world.project, mono / "apps/one", ignore=shutil.ignore_patterns(".git"))
    write(mono, dict.fromkeys([*BEFORE, "tox.ini"], "the root's\n"))
    git("init", "--quiet", cwd=mono)
    commit(mono)
    before = git("ls-files", "--stage", cwd=mono)
    world.update(mono / "apps/one")
    write(mono, {"other.txt": "elsewhere\n"})
    git("add", "other.txt", cwd=mono)
    assert mlops("update", "--abort", cwd=mono / "apps/one").returncode == 0
    git("reset", "--quiet", "other.txt", cwd=mono)
    assert git("ls-files", "--stage", cwd=mono) == before
    assert git("status", "--porcelain", cwd=mono) == "?? other.txt"


def test_abort_after_a_commit_elsewhere_in_a_monorepo(tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    mono = tmp_path / "mono"
    shutil.copytree(world.project, mono / "one", ignore=shutil.ignore_patterns(".git"))
    git("init", "--quiet", cwd=mono)
    commit(mono)
    world.update(mono / "one")
    write(mono, {"other.txt": "elsewhere\n"})
    git("add", "other.txt", cwd=mono)
    git("commit", "--quiet", "--message", "elsewhere", "--only", "other.txt", cwd=mono)
    assert mlops("update", "--abort", cwd=mono / "one").returncode == 0
    assert git("status", "--porcelain", cwd=mono) == ""


def test_flags_that_a_person_has_set_are_there_again(tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    git("update-index", "--assume-unchanged", "a.txt", cwd=world.project)
    flags = git("ls-files", "-v", cwd=world.project)
    world.update()
    assert git("ls-files", "-v", "a.txt", cwd=world.project) == "h a.txt"
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert git("ls-files", "-v", cwd=world.project) == flags


def test_abort_twice_says_that_there_is_nothing(tmp_path: Path) -> None:
    world, _ = updated(tmp_path)
    taking_back.abort(open_repository(world.project))
    with pytest.raises(MlopsError, match="no update to take back"):
        taking_back.abort(open_repository(world.project))


def test_abort_as_json(tmp_path: Path) -> None:
    world, _ = updated(tmp_path)
    assert json.loads(mlops("update", "--abort", "--json", cwd=world.project).stdout)["edited_since"] == []
