"""Which moves an update follows: those that the template's sources tell, and files that are all but equal."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.update.world import World, commit, make_world, new_project, write

LINES = "".join(f"line {number}\n" for number in range(40))
WORKFLOW = "name: {name}\non: push\njobs:\n  run:\n    runs-on: ubuntu-latest\n    steps:\n" + "".join(
    f"      - run: step {number}\n" for number in range(12)
)


def licence(owner: str) -> str:
    """About as long as the usual ones: only the owner differs."""
    return f"MIT License\n\nCopyright (c) 2024 {owner}\n\n" + "".join(
        f"The sentence no. {number} of what is permitted to you.\n" for number in range(20)
    )


def notes(world: World, **more: Any) -> dict[str, str]:
    """What an update tells of each file."""
    return {change.path: change.note for change in world.update(**more).changes if change.note}


def test_the_persons_files_beside_one_that_moves_stay(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"notebooks/e.ipynb": LINES}, {"notebooks/e.ipynb": None, "docs/e.ipynb": LINES})
    world.edit({f"notebooks/mine{number}.ipynb": f"mine {number}\n" * 20 for number in range(20)})
    told = notes(world)
    assert len(list((world.project / "notebooks").iterdir())) == 20
    assert told == {"docs/e.ipynb": "moved from notebooks/e.ipynb", "notebooks/e.ipynb": "moved to docs/e.ipynb"}


def test_the_persons_files_in_a_folder_that_moves_as_a_whole_stay(tmp_path: Path) -> None:
    before = {"src/serving/a.py": LINES, "src/serving/b.py": LINES + "b\n"}
    after = {"src/serving/a.py": None, "src/serving/b.py": None, "kit/a.py": LINES, "kit/b.py": LINES + "b\n"}
    world = make_world(tmp_path, before, after)
    world.edit({"src/serving/mine.py": "MINE = 1\n", "src/serving/a.py": LINES + "MINE\n"})
    world.update()
    assert world.text("src/serving/mine.py") == "MINE = 1\n"
    assert world.text("kit/a.py") == LINES + "MINE\n"


@pytest.mark.parametrize("change", ["changed", "removed"])
def test_a_licence_of_somebody_else_is_not_the_templates(change: str, tmp_path: Path) -> None:
    after = licence("Template Inc").replace("no. 12", "no. 12b") if change == "changed" else None
    world = make_world(tmp_path, {"LICENSE": licence("Template Inc")}, {"LICENSE": after})
    world.edit({"LICENSE": None, "vendor/lib/LICENSE": licence("Somebody Else")})
    world.update()
    assert world.text("vendor/lib/LICENSE") == licence("Somebody Else")


def test_an_edit_does_not_go_into_a_look_alike_of_the_templates(tmp_path: Path) -> None:
    before = {"ci/test.yml": WORKFLOW.format(name="test")}
    world = make_world(tmp_path, before, {"ci/test.yml": None, "ci/release.yml": WORKFLOW.format(name="release")})
    world.edit({"ci/test.yml": WORKFLOW.format(name="test") + "      - run: MINE\n"})
    world.update()
    assert world.text("ci/release.yml") == WORKFLOW.format(name="release")
    assert world.holds("MINE")


def test_a_change_does_not_go_into_a_look_alike_of_the_persons(tmp_path: Path) -> None:
    before = {"ci/test.yml": WORKFLOW.format(name="test")}
    world = make_world(tmp_path, before, {"ci/test.yml": WORKFLOW.format(name="test") + "      - run: theirs\n"})
    world.edit({"ci/test.yml": None, "ci/deploy.yml": WORKFLOW.format(name="deploy")})
    assert notes(world)["ci/test.yml"] == "deleted by you; the template has changed it"
    assert world.text("ci/deploy.yml") == WORKFLOW.format(name="deploy")


@pytest.mark.parametrize("content", ["", "x\n"])
def test_files_of_hardly_any_content_are_not_taken_for_each_other(content: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a/__init__.py": content}, {"a/__init__.py": content + "theirs\n"})
    world.edit({"a/__init__.py": None, "mine/__init__.py": content})
    world.update()
    assert world.text("mine/__init__.py") == content


def test_a_file_that_the_person_has_twice_is_not_guessed(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": LINES + "theirs\n"})
    world.edit({"a.py": None, "b.py": LINES, "c.py": LINES})
    world.update()
    assert (world.text("b.py"), world.text("c.py")) == (LINES, LINES)


def test_a_file_that_the_person_moved_is_followed_and_named(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": LINES + "theirs\n"})
    git("mv", "a.py", "mine.py", cwd=world.project)
    commit(world.project)
    assert notes(world) == {"mine.py": "moved by you: the template's a.py"}
    assert world.text("mine.py") == LINES + "theirs\n"


def test_a_file_that_both_moved_is_where_the_person_has_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": None, "d/a.py": LINES + "theirs\n"})
    git("mv", "a.py", "mine.py", cwd=world.project)
    commit(world.project)
    assert notes(world) == {"mine.py": "moved by you: the template's d/a.py"}
    assert world.text("mine.py") == LINES + "theirs\n"
    assert not (world.project / "d").exists()


def test_a_file_that_both_moved_to_one_place(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": None, "d/a.py": LINES + "theirs\n"})
    world.edit({"a.py": None, "d/a.py": "MINE\n" + LINES})
    world.update()
    assert world.text("d/a.py") == "MINE\n" + LINES + "theirs\n"


def test_a_file_that_the_person_deleted_and_the_template_moved_stays_deleted(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES, "o.txt": "o\n"}, {"a.py": None, "d/a.py": LINES, "o.txt": "p\n"})
    world.edit({"a.py": None})
    world.update()
    assert not (world.project / "d").exists()


def test_a_source_that_is_a_template_now_is_the_same_file(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.py": LINES}, {"a.py": None, "a.py.jinja": LINES + "{{ name }}\n"})
    world.edit({"a.py": "MINE\n" + LINES})
    world.update()
    assert world.text("a.py") == "MINE\n" + LINES + "demo\n"


def test_no_move_is_followed_into_another_project(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"Makefile": LINES}, {"Makefile": LINES + "theirs\n"})
    inner = new_project(world.template, tmp_path / "inner")
    content = (inner / ".copier-answers.yml").read_text()
    world.edit({"Makefile": None, "apps/a/Makefile": LINES, "apps/a/.copier-answers.yml": content})
    world.update()
    assert world.text("apps/a/Makefile") == LINES


def test_an_answer_moves_a_folder_with_what_the_person_has_in_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"src/{{ name }}/a.py": LINES, "tests/test_{{ name }}.py": LINES + "t\n"}, {})
    world.edit({"src/demo/sub/own.py": "OWN\n", "tests/own.py": "OWN\n"})
    told = notes(world, data={"name": "other"})
    assert told["src/other/a.py"] == "moved from src/demo/a.py"
    assert told["src/other/sub/own.py"] == "moved with its folder from src/demo/sub/own.py"
    assert told["src/demo/sub/own.py"] == "moved to src/other/sub/own.py"
    assert (world.project / "tests/own.py").exists()
    assert (world.project / "tests/test_other.py").exists()
    assert not (world.project / "src/demo").exists()


def test_a_folder_of_which_something_stays_is_not_moved(tmp_path: Path) -> None:
    before = {"src/{{ name }}/a.py": LINES, "src/demo/fixed.py": LINES + "f\n"}
    world = make_world(tmp_path, before, {})
    write(world.project, {"src/demo/own.py": "OWN\n"})
    commit(world.project)
    world.update(data={"name": "other"})
    assert world.text("src/demo/own.py") == "OWN\n"
