"""What git was told for a repository, a machine or a user holds in an update too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest
from mlops_scaffold.updating.request import Outcome

from tests.conftest import git, mlops
from tests.update.world import Files, World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))
CRLF = LINES.replace("\n", "\r\n")


def statuses(outcome: Outcome) -> dict[str, str]:
    """Each file's status."""
    return {change.path: change.status for change in outcome.changes}


def committed(world: World) -> None:
    """What an update leaves is what git has: nothing is left to commit, nothing comes back."""
    git("commit", "--quiet", "--message", "updated", cwd=world.project)
    assert world.status() == ""
    git("add", "--renormalize", ".", cwd=world.project)
    assert world.status() == ""


ATTRIBUTES: dict[str, Files] = {
    "new": {".gitattributes": "*.bat text eol=crlf\n", "run.bat": CRLF},
    "new, and stored with the other line ends": {".gitattributes": "*.bat text eol=crlf\n", "run.bat": LINES},
    "all text": {".gitattributes": "* text=auto\n", "run.bat": CRLF + "more\r\n", "b.txt": LINES},
    "in a folder": {"sub/.gitattributes": "*.bat text eol=crlf\n", "sub/run.bat": CRLF},
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_that_come_in_hold_for_what_comes_with_them(name: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, ATTRIBUTES[name])
    world.update()
    committed(world)
    for path in (path for path in ATTRIBUTES[name] if path.endswith(".bat")):
        if "eol=crlf" in str(ATTRIBUTES[name]):
            assert (world.project / path).read_bytes() == CRLF.encode()


@pytest.mark.parametrize("edited", [False, True])
def test_a_file_that_gets_another_line_end_by_attributes_that_come_in(edited: bool, tmp_path: Path) -> None:
    after = {".gitattributes": "*.bat text eol=crlf\n", "run.bat": CRLF.replace("line 9", "fixed")}
    world = make_world(tmp_path, {"run.bat": CRLF}, after)
    if edited:
        world.edit({"run.bat": CRLF.replace("line 3", "MINE")})
    outcome = world.update()
    assert outcome.conflicts == 0
    wanted = CRLF.replace("line 9", "fixed")
    assert (world.project / "run.bat").read_bytes().decode() == (wanted.replace("line 3", "MINE") if edited else wanted)
    committed(world)


def test_an_executable_bit_that_comes_in_is_staged_where_the_disk_keeps_none(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"run.sh": LINES}, {"run.sh*": LINES, "new.sh*": LINES})
    git("config", "core.fileMode", "false", cwd=world.project)
    world.update()
    modes = git("ls-files", "--stage", "run.sh", "new.sh", cwd=world.project).splitlines()
    assert [mode[:6] for mode in modes] == ["100755", "100755"]


def test_an_executable_bit_of_the_persons_stays(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"run.sh": LINES}, {"run.sh": LINES + "more\n"})
    world.edit({"run.sh*": LINES})
    world.update()
    assert os.access(world.project / "run.sh", os.X_OK)
    committed(world)


def test_the_rights_of_a_file_stay(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    (world.project / "a.txt").chmod(0o600)
    world.update()
    assert (world.project / "a.txt").stat().st_mode & 0o777 == 0o600


def test_a_shared_repository_stays_one(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    git("config", "core.sharedRepository", "group", cwd=world.project)
    world.update()
    for path in (world.project / ".git").rglob("*"):
        if path.stat().st_mtime >= (world.project / "a.txt").stat().st_mtime and "logs" not in path.parts:
            wanted = 0o070 if path.is_dir() else 0o040
            assert path.stat().st_mode & wanted == wanted, path
    for path in (world.project / ".git/mlops").rglob("*"):
        assert path.stat().st_mode & 0o060 == 0o060, path


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_seed_with_an_accent_is_one(form: Literal["NFC", "NFD"], tmp_path: Path) -> None:
    name = normalize(form, "données/é.csv")
    questions = "_skip_if_exists: ['/données/*é.csv']\nname: demo\n"
    world = make_world(tmp_path, {name: LINES}, {name: LINES + "more\n"}, questions=questions)
    world.edit({name: "MINE\n" + LINES})
    outcome = world.update()
    assert world.text(name) == "MINE\n" + LINES
    assert statuses(outcome)[name] == "kept"


def test_a_user_who_allows_no_bare_repository_but_named_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.bareRepository")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "explicit")
    for command in (["check"], ["explain", "a.txt"], ["update", "-l"]):
        done = mlops(*command, cwd=world.project)
        assert done.returncode in (0, 2), done.stderr
    assert world.text("a.txt") == LINES + "more\n"


@pytest.mark.parametrize("template", ["sha1", "sha256"])
def test_a_user_whose_repositories_have_longer_hashes(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", template)
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    shutil.rmtree(Path(os.environ["MLOPS_CACHE_DIR"]))
    world.update()
    assert world.text("a.txt") == LINES + "more\n"


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="gives a folder to another user")
def test_another_users_repository_is_told_in_gits_words(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    for path in (world.project, world.project / ".git"):
        os.chown(path, 12345, 12345)
    done = mlops("update", "-l", cwd=world.project)
    assert done.returncode == 1
    assert "detected dubious ownership" in done.stderr
    assert "git config --global --add safe.directory" in done.stderr
    assert "git init" not in done.stderr


def test_a_sparse_checkout_stays_sparse(tmp_path: Path) -> None:
    before = {"in/a.txt": LINES, "out/b.txt": LINES, "out/gone.txt": LINES, "out/c.txt": LINES}
    after = dict.fromkeys(before, LINES + "more\n") | {"out/gone.txt": None}
    world = make_world(tmp_path, before, after)
    world.edit({"out/c.txt": LINES + "MINE\n"})
    git("sparse-checkout", "set", "--cone", "in", cwd=world.project)
    flags = git("ls-files", "-v", cwd=world.project)
    outcome = world.update()
    assert statuses(outcome)["out/c.txt"] == "conflict"
    assert not (world.project / "out/b.txt").exists()
    assert git("show", ":out/b.txt", cwd=world.project) == (LINES + "more\n").strip()
    assert "MINE" in world.text("out/c.txt")
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert world.status() == ""
    assert git("ls-files", "-v", cwd=world.project) == flags


def test_a_project_beside_a_worktree_of_another_branch(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "topic", cwd=world.project)
    subprocess.run(["git", "worktree", "lock", str(tmp_path / "linked")], cwd=world.project, check=True)
    write(tmp_path / "linked", {"own.txt": "MINE\n"})
    commit(tmp_path / "linked")
    world.update(tmp_path / "linked")
    assert (tmp_path / "linked/a.txt").read_text() == LINES + "more\n"
    done = mlops("update", "--abort", cwd=tmp_path / "linked")
    assert done.returncode == 0, done.stderr
    assert git("status", "--porcelain", cwd=tmp_path / "linked") == ""
