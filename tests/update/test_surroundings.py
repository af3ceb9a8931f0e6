"""Repositories and disks that are not the usual ones: other hashes, no executable bits, no hard links, other bytes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
BEFORE = {"a.txt": LINES, "gone.txt": "x\n", "run.sh*": "#!/bin/sh\n"}
AFTER = {"a.txt": LINES + "more\n", "gone.txt": None, "new.txt": "new\n"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, BEFORE, AFTER)


def test_a_repository_of_longer_hashes(world: World) -> None:
    git("init", "--quiet", "--object-format=sha256", "--initial-branch=main", "other", cwd=world.folder)
    for file in world.project.iterdir():
        if file.name != ".git":
            file.rename(world.folder / "other" / file.name)
    commit(world.folder / "other")
    world.project = world.folder / "other"
    world.update()
    assert git("diff", "--cached", "--name-status", cwd=world.project).split() == [
        *("M", ".copier-answers.yml", "M", "a.txt", "D", "gone.txt", "A", "new.txt")
    ]
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert world.status() == ""


def test_a_disk_that_does_not_keep_executable_bits(world: World) -> None:
    git("config", "core.fileMode", "false", cwd=world.project)
    for path in ("a.txt", "gone.txt"):
        (world.project / path).chmod(0o755)
    (world.project / "run.sh").chmod(0o644)
    assert mlops("diff", cwd=world.project).stdout == ""
    world.update()
    assert git("ls-files", "--stage", "a.txt", cwd=world.project).startswith("100644")


def test_a_disk_without_hard_links(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuses)
    world.update()
    assert world.text("new.txt") == "new\n"
    assert not (world.project / ".git/index.lock").exists()
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert world.status() == ""


def test_the_difference_is_a_patch_whatever_the_bytes(world: World) -> None:
    write(world.project, {"a.txt": LINES.encode() + "café\n".encode("latin-1") + "✓\n".encode()})
    patch = subprocess.run(
        [sys.executable, "-m", "mlops_scaffold", "diff"],
        cwd=world.project,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
    )
    assert patch.returncode == 0, patch.stderr
    subprocess.run(["git", "apply", "--reverse"], cwd=world.project, input=patch.stdout, check=True)
    assert world.text("a.txt") == LINES


def test_after_copiers_own_update_the_next_steps_are_those_that_work(world: World) -> None:
    done = mlops("update", "--defaults", "--engine", "copier", cwd=world.project)
    assert done.returncode == 0, done.stderr
    assert "--cached" not in done.stderr
    assert "--abort" not in done.stderr
    assert "git add --all" in done.stderr
