"""Files that git leaves in conflict at an update: what is merged, told, left alone, and turned off."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlops_scaffold.updating.request import Outcome

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world, write

BASE = '[project]\nname = "x"\ndependencies = ["a>=1"]\n'
OURS = BASE.replace('"a>=1"', '"a>=1", "mine"')
THEIRS = BASE.replace('"a>=1"', '"a>=1", "theirs>=2"')
BOTH = BASE.replace('"a>=1"', '"a>=1", "mine", "theirs>=2"')


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Both added a dependency."""
    made = make_world(tmp_path, {"pyproject.toml": BASE}, {"pyproject.toml": THEIRS})
    made.edit({"pyproject.toml": OURS})
    return made


def statuses(outcome: Outcome) -> dict[str, str]:
    """What became of each file."""
    return {change.path: change.status for change in outcome.changes}


def test_both_added_a_dependency(world: World) -> None:
    outcome = world.update()
    assert outcome.conflicts == 0
    assert world.text("pyproject.toml") == BOTH
    assert not world.stages()
    assert git("diff", "--name-only", cwd=world.project) == "", "it is staged"
    assert [(found.path, found.rule) for found in outcome.resolved] == [("pyproject.toml", "merged by keys")]


def test_a_dry_run_says_the_same(world: World) -> None:
    planned = world.update(dry_run=True)
    assert world.text("pyproject.toml") == OURS
    assert b'+dependencies = ["a>=1", "mine", "theirs>=2"]' in planned.diff
    assert planned.resolved == world.update().resolved


def test_the_report_names_the_rule_and_explains_it_when_asked(world: World) -> None:
    said = mlops("update", "--defaults", "--dry-run", cwd=world.project).stderr
    assert "merged by keys: pyproject.toml\n" in said
    assert "of both sides" not in said
    explained = mlops("update", "--defaults", "--explain", cwd=world.project)
    assert "pyproject.toml: of both sides: [project].dependencies" in explained.stderr
    assert explained.returncode == 0


def test_as_json_too(world: World) -> None:
    said = json.loads(mlops("update", "--defaults", "--json", cwd=world.project).stdout)
    assert said["resolved"][0]["rule"] == "merged by keys"


def test_it_can_be_turned_off(world: World, surroundings: Path) -> None:
    done = mlops("update", "--defaults", "--merge", "text", "--dry-run", cwd=world.project)
    assert "conflict  pyproject.toml" in done.stderr
    config = world.folder / "config"
    write(config, {"settings.yml": "merge: text\n"})
    assert mlops("update", "--defaults", cwd=world.project, MLOPS_CONFIG_DIR=str(config)).returncode == 2
    assert {number for _, number in world.stages()} == {1, 2, 3}
    wrong = mlops("update", "--merge", "better", cwd=world.project)
    assert (wrong.returncode, wrong.stderr) == (1, "mlops: There is no merge 'better'. There are: format, text.\n")


def test_a_setting_that_is_none_is_named(world: World) -> None:
    config = world.folder / "config"
    write(config, {"settings.yml": "merge: better\n"})
    done = mlops("update", "--defaults", cwd=world.project, MLOPS_CONFIG_DIR=str(config))
    assert done.returncode == 1
    assert "has the merge 'better'. It may hold" in done.stderr


@pytest.mark.parametrize("attribute", ["merge=union", "-merge", "merge=binary", "merge=mine"])
def test_a_file_for_which_git_has_a_driver_is_left_to_it(world: World, attribute: str) -> None:
    git("config", "merge.mine.driver", "cp %B %A", cwd=world.project)
    world.edit({".gitattributes": f"*.toml {attribute}\n"})
    outcome = world.update()
    assert not outcome.resolved
    if attribute == "merge=union":
        assert world.text("pyproject.toml").count("dependencies") == 2, "as git does it"
    elif attribute == "merge=mine":
        assert world.text("pyproject.toml") == THEIRS
    else:
        assert outcome.conflicts == 1
        assert world.text("pyproject.toml") == OURS


def test_a_driver_that_is_set_for_the_whole_repository_counts_in_a_folder_of_it(tmp_path: Path) -> None:
    files = {"docs/OWNERS": "a\n", "pyproject.toml": BASE}
    world = make_world(tmp_path, files, {"docs/OWNERS": "a\ntheirs\n", "pyproject.toml": THEIRS})
    inner = tmp_path / "mono" / "projects" / "x"
    inner.parent.mkdir(parents=True)
    world.project.rename(inner)
    subprocess.run(["rm", "-rf", str(inner / ".git")], check=True)
    git("init", "--quiet", cwd=tmp_path / "mono")
    write(tmp_path / "mono", {".gitattributes": "projects/x/docs/OWNERS merge=union\n"})
    write(inner, {"docs/OWNERS": "a\nmine\n", "pyproject.toml": OURS})
    commit(tmp_path / "mono")
    outcome = world.update(inner)
    assert outcome.conflicts == 0
    assert (inner / "docs/OWNERS").read_text() == "a\nmine\ntheirs\n"
    assert (inner / "pyproject.toml").read_text() == BOTH


def test_what_both_added_elsewhere_is_no_broken_file(tmp_path: Path) -> None:
    lines = "[tool.x]\na = 1\nb = 2\nc = 3\nd = 4\n"
    world = make_world(tmp_path, {"pyproject.toml": lines}, {"pyproject.toml": lines + "httpx = 1\n"})
    world.edit({"pyproject.toml": lines.replace("a = 1", "httpx = 1\na = 1")})
    assert world.update().conflicts == 0
    assert world.text("pyproject.toml").count("httpx") == 1


def test_or_it_is_a_conflict(tmp_path: Path) -> None:
    lines = "[tool.x]\na = 1\nb = 2\nc = 3\nd = 4\n"
    world = make_world(tmp_path, {"pyproject.toml": lines}, {"pyproject.toml": lines + "httpx = 2\n"})
    world.edit({"pyproject.toml": lines.replace("a = 1", "httpx = 1\na = 1")})
    assert world.update().conflicts == 1
    assert "<<<<<<< project\nhttpx = 1\n" in world.text("pyproject.toml")
    assert {number for _, number in world.stages()} == {1, 2, 3}


def test_a_file_that_the_template_removed_and_i_edited_is_kept_and_named(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": "a\nb\nc\n", "b.txt": "b\n"}, {"a.txt": None, "b.txt": None})
    world.edit({"a.txt": "a\nb\nc\nMINE\n"})
    outcome = world.update()
    assert outcome.conflicts == 0
    assert statuses(outcome) == {"a.txt": "kept", "b.txt": "removed", ".copier-answers.yml": "updated"}
    assert next(change.note for change in outcome.changes if change.path == "a.txt").startswith("changed by you")
    assert world.text("a.txt").endswith("MINE\n")


@pytest.mark.parametrize("ours_is_the_link", [True, False])
def test_a_file_that_became_a_link_on_one_side_is_one_conflict(tmp_path: Path, ours_is_the_link: bool) -> None:
    text, link = "1\n2\n3\nchanged\n", "-> other"
    ours, theirs = (link, text) if ours_is_the_link else (text, link)
    files = {"make": "1\n2\n3\n", "other": "x\n"}
    world = make_world(tmp_path, files, {"make": theirs}, "_preserve_symlinks: true\nname: demo\n")
    world.edit({"make": ours})
    outcome = world.update()
    assert [change.path for change in outcome.changes if change.status == "conflict"] == ["make"]
    assert {path for path, _ in world.stages()} == {"make"}
    assert {number for _, number in world.stages()} == {1, 2, 3}
    assert not list(world.project.glob("make~*"))
    assert (world.project / "make").is_symlink() == ours_is_the_link, "mine is what is there"


def test_gits_own_words_for_conflicts_are_kept(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": "one\ntwo\n"}, {"a.txt": "one\n2\n"})
    world.edit({"a.txt": "one\nzwei\n", ".gitattributes": "*.txt conflict-marker-size=9\n"})
    git("config", "merge.conflictStyle", "diff3", cwd=world.project)
    world.update()
    text = world.text("a.txt")
    assert text == "one\n<<<<<<<<< project\nzwei\n||||||||| base\ntwo\n=========\n2\n>>>>>>>>> template\n"


def test_a_lock_file_is_not_merged_as_text(tmp_path: Path) -> None:
    base = "[[package]]\nname = 'a'\nversion = '1'\n"
    world = make_world(tmp_path, {"poetry.lock": base}, {"poetry.lock": base + "theirs = 1\n"})
    world.edit({"poetry.lock": base + "mine = 1\n"})
    assert world.update().conflicts == 1


# --- as a program of git's -------------------------------------------------------------------------------------------

DRIVER = f"{sys.executable} -m mlops_scaffold mergetool"


@pytest.fixture
def branches(tmp_path: Path) -> Path:
    """A repository in which two branches add a dependency each."""
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    write(tmp_path, {"pyproject.toml": BASE})
    commit(tmp_path)
    git("checkout", "--quiet", "-b", "renovate", cwd=tmp_path)
    write(tmp_path, {"pyproject.toml": THEIRS})
    commit(tmp_path)
    git("checkout", "--quiet", "main", cwd=tmp_path)
    write(tmp_path, {"pyproject.toml": OURS})
    commit(tmp_path)
    return tmp_path


def test_as_gits_merge_driver(branches: Path) -> None:
    git("config", "merge.mlops.driver", f"{DRIVER} %O %A %B %P", cwd=branches)
    write(branches, {".gitattributes": "* merge=mlops\n"})
    git("merge", "--quiet", "renovate", cwd=branches)
    assert (branches / "pyproject.toml").read_text() == BOTH


def test_the_driver_leaves_a_conflict_as_git_does(branches: Path) -> None:
    git("config", "merge.mlops.driver", f"{DRIVER} %O %A %B %P", cwd=branches)
    write(branches, {".gitattributes": "* merge=mlops\n", "pyproject.toml": OURS.replace('"x"', '"y"')})
    commit(branches)
    git("checkout", "--quiet", "renovate", cwd=branches)
    write(branches, {"pyproject.toml": THEIRS.replace('"x"', '"z"')})
    commit(branches)
    git("checkout", "--quiet", "main", cwd=branches)
    done = subprocess.run(["git", "merge", "renovate"], cwd=branches, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CONFLICT (content)" in done.stdout
    text = (branches / "pyproject.toml").read_text()
    assert '<<<<<<< ours\nname = "y"\n=======\nname = "z"\n>>>>>>> theirs\n' in text
    assert '"mine", "theirs>=2"' in text, "the rest is merged"


def test_as_a_merge_tool(branches: Path) -> None:
    assert subprocess.run(["git", "merge", "--quiet", "renovate"], cwd=branches, capture_output=True).returncode == 1
    command = f'{DRIVER} --output "$MERGED" "$BASE" "$LOCAL" "$REMOTE" "$MERGED"'
    git("config", "mergetool.mlops.cmd", command, cwd=branches)
    git("config", "mergetool.mlops.trustExitCode", "true", cwd=branches)
    git("mergetool", "--no-prompt", "--tool=mlops", cwd=branches)
    assert (branches / "pyproject.toml").read_text() == BOTH
    assert git("ls-files", "--unmerged", cwd=branches) == ""


def test_an_update_of_a_repository_with_the_driver_names_what_it_merged(world: World) -> None:
    git("config", "merge.mlops.driver", f"{DRIVER} %O %A %B %P", cwd=world.project)
    world.edit({".gitattributes": "* merge=mlops\n"})
    assert world.update().resolved[0].rule == "merged by keys"
    assert world.text("pyproject.toml") == BOTH
