"""Files that are in no commit are no part of a merge: they stay, and are named where they are in the way."""

from pathlib import Path

import pytest
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.updating.request import Outcome

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world, write

LINES = "".join(f"line {number}\n" for number in range(12))


def kept(outcome: Outcome) -> dict[str, str]:
    """What was left alone, and why."""
    return {change.path: change.note for change in outcome.changes if change.status == "kept"}


def tracked(world: World) -> list[str]:
    """What git has."""
    return git("ls-files", cwd=world.project).splitlines()


def test_a_local_file_in_a_folder_that_the_person_renamed(tmp_path: Path) -> None:
    before = {"demo/a.py": LINES, "demo/b.py": LINES + "b\n", ".gitignore": "settings.py\n"}
    world = make_world(tmp_path, before, {"demo/settings.py": "theirs\n", "demo/new.py": "theirs\n"})
    git("mv", "demo", "mine", cwd=world.project)
    commit(world.project)
    write(world.project, {"mine/settings.py": "SECRET\n", "mine/new.py": "UNTRACKED\n"})
    world.update()
    assert world.text("mine/settings.py") == "SECRET\n"
    assert world.text("mine/new.py") == "UNTRACKED\n"


def test_a_local_file_where_an_answer_sends_the_persons_own(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"{{ name }}/a.py": LINES, ".gitignore": "*.local\n"}, {})
    world.edit({"demo/own.py": "OWN\n"})
    write(world.project, {"other/own.py": "UNTRACKED\n", "demo/x.local": "SECRET\n"})
    world.update(data={"name": "other"})
    assert (world.text("demo/own.py"), world.text("other/own.py")) == ("OWN\n", "UNTRACKED\n")
    assert world.text("demo/x.local") == "SECRET\n"
    assert world.text("other/a.py") == LINES


@pytest.mark.parametrize("new", [".env.example", "settings/.env"])
def test_the_secrets_of_a_local_file_follow_no_move(new: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, {".gitignore": "/.env\n", ".env": LINES}, {".env": None, new: LINES})
    write(world.project, {".env": LINES.replace("line 3", "SECRET")})
    world.update()
    assert world.text(".env") == LINES.replace("line 3", "SECRET")
    assert world.text(new) == LINES
    assert "SECRET" not in git("diff", "--cached", cwd=world.project)


@pytest.mark.parametrize("after", [LINES + "more\n", None])
def test_a_local_file_that_was_rendered_stays_whatever_the_template_does(after: str | None, tmp_path: Path) -> None:
    world = make_world(
        tmp_path, {".gitignore": ".env\n", ".env": LINES, "o.txt": "o\n"}, {".env": after, "o.txt": "p\n"}
    )
    outcome = world.update()
    assert world.text(".env") == LINES
    assert ".env" not in tracked(world)
    assert (".env" in kept(outcome)) is (after is not None)


@pytest.mark.parametrize("edited", [False, True])
def test_a_file_that_moves_to_an_ignored_place_stays_in_git(edited: bool, tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": None, "lib/a.py": LINES.replace("line 9", "fixed")})
    mine = LINES.replace("line 9", "MINE") if edited else LINES
    world.edit({".gitignore": "lib/\n", "a.py": mine})
    outcome = world.update()
    assert outcome.conflicts == int(edited)
    assert {stage for _, stage in world.stages()} == ({1, 2, 3} if edited else set())
    assert "lib/a.py" in tracked(world)
    git("commit", "--quiet", "--all", "--message", "updated", cwd=world.project) if not edited else None


def test_tracked_files_of_a_folder_that_an_answer_renames_stay_in_git(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"{{ name }}/a.py": LINES, "{{ name }}/b.py": LINES + "b\n"}, {})
    world.edit({".gitignore": "build/\n", "demo/own.py": "OWN\n"})
    world.update(data={"name": "build"})
    assert {"build/a.py", "build/b.py", "build/own.py"} <= set(tracked(world))


def test_a_new_file_that_git_ignores_is_written_and_not_staged(tmp_path: Path) -> None:
    world = make_world(tmp_path, {".gitignore": ".env\n"}, {".env": "theirs\n"})
    world.update()
    assert world.text(".env") == "theirs\n"
    assert ".env" not in tracked(world)
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert not (world.project / ".env").exists()


def test_a_local_file_that_is_what_the_template_adds_is_taken_in_and_given_back(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"o.txt": "o\n"}, {"a.txt": LINES})
    write(world.project, {"a.txt": LINES})
    inode = (world.project / "a.txt").stat().st_ino
    world.update()
    assert "a.txt" in tracked(world)
    assert (world.project / "a.txt").stat().st_ino == inode
    assert mlops("update", "--abort", cwd=world.project).returncode == 0
    assert world.status() == "?? a.txt"


def test_a_local_seed_is_the_users(tmp_path: Path) -> None:
    config = "_skip_if_exists: [/seed.txt]\nname: demo\n"
    world = make_world(tmp_path, {"o.txt": "o\n"}, {"seed.txt": "theirs\n", "o.txt": "p\n"}, questions=config)
    write(world.project, {"seed.txt": "UNTRACKED\n"})
    outcome = world.update()
    assert world.text("seed.txt") == "UNTRACKED\n"
    assert "seed.txt" in kept(outcome)


@pytest.mark.parametrize("what", ["link", "file", "submodule"])
def test_what_the_person_has_in_the_place_of_a_folder(what: str, tmp_path: Path) -> None:
    before = {"data/README.md": LINES, "k.txt": LINES}
    world = make_world(
        tmp_path, before, {"data/README.md": LINES + "x\n", "data/new/n.txt": "n\n", "k.txt": LINES + "more\n"}
    )
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, {"huge.bin": "huge\n"})
    git("rm", "-r", "--quiet", "data", cwd=world.project)
    if what == "submodule":
        git("init", "--quiet", cwd=elsewhere)
        commit(elsewhere)
        add = ["submodule", "--quiet", "add", str(elsewhere), "data"]
        git("-c", "protocol.file.allow=always", *add, cwd=world.project)
    else:
        write(world.project, {"data": f"-> {elsewhere}" if what == "link" else "MINE\n"})
    world.edit({})
    outcome = world.update()
    assert world.text("k.txt") == LINES + "more\n"
    assert set(kept(outcome)) == {"data/README.md", "data/new/n.txt"}
    assert all(f"data is a {what} of yours" in note for note in kept(outcome).values())
    assert [path.name for path in elsewhere.iterdir() if path.name != ".git"] == ["huge.bin"]
    git("commit", "--quiet", "--message", "updated", cwd=world.project)
    assert world.status() == ""
    assert world.update().changes == []


def test_an_ignored_link_in_the_place_of_a_folder(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"data/README.md": LINES, "k.txt": "k\n"}, {"data/new.txt": "n\n", "k.txt": "m\n"})
    (tmp_path / "elsewhere").mkdir()
    git("rm", "-r", "--quiet", "data", cwd=world.project)
    world.edit({".gitignore": "/data\n"})
    write(world.project, {"data": f"-> {tmp_path / 'elsewhere'}"})
    outcome = world.update()
    assert (world.text("k.txt"), kept(outcome)) == ("m\n", {"data/new.txt": "data is in its place"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_all_that_is_in_the_way_is_counted_and_nothing_is_touched(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"o.txt": "o\n"}, {"a.txt": "theirs\n", "b/c.txt": "theirs\n", "o.txt": "p\n"})
    write(world.project, {"a.txt": "MINE\n", "b": "MINE\n"})
    before = world.snapshot()
    with pytest.raises(MlopsError, match=r"a\.txt is in the way .*and 1 more"):
        world.update()
    assert world.snapshot() == before
    assert mlops("diff", "--incoming", cwd=world.project).returncode == 0
