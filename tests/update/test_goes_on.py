"""Nothing keeps a project from its next update: an old answer, a cache that was cleaned up, a template that is odd."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.conftest import git, mlops
from tests.update.world import World, commit, make_world

LINES = "".join(f"line {number}\n" for number in range(12))
BEFORE = {"a.txt": LINES, "b.txt": LINES}
AFTER = {"a.txt": LINES + "more\n"}
EXTENSION = "_jinja_extensions: [jinja2.ext.loopcontrols]\nname: demo\n"
LOOP = "{% for i in range(9) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    monkeypatch.setenv("MLOPS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("pattern", ["templates/*/b.txt", "templates/*/*", "indexes/*", "renders/*"])
def test_a_cache_that_was_cleaned_up_in_part_removes_nothing(pattern: str, cache: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    mlops("check", cwd=world.project)
    removed = [path for path in cache.glob(pattern) if path.is_file()]
    assert removed
    for path in removed:
        path.unlink()
    world.update()
    assert world.text("b.txt") == LINES
    assert world.text("a.txt") == LINES + "more\n"


@pytest.mark.parametrize("seed", range(4))
def test_a_mirror_that_was_cleaned_up_in_part(seed: int, cache: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    mlops("check", cwd=world.project)
    (mirror,) = (cache / "mirrors").glob("*.git")
    files = sorted((path for path in mirror.rglob("*") if path.is_file()), key=lambda path: path.relative_to(mirror))
    for path in random.Random(seed).sample(files, len(files) // 2):
        path.unlink()
    shutil.rmtree(cache / "templates")
    before = world.snapshot()
    done = mlops("update", "-l", cwd=world.project)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "Remove " in done.stderr
        assert world.snapshot() == before
        shutil.rmtree(cache / "mirrors")
        world.update()
    assert world.text("b.txt") == LINES
    assert world.text("a.txt") == LINES + "more\n"


def test_a_render_that_was_cut_off_is_made_again(cache: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    mlops("check", cwd=world.project)
    for path in (cache / "renders").iterdir():
        path.write_text('{"files"')
    assert mlops("check", cwd=world.project).returncode == 2


@pytest.mark.parametrize("default", ["  default: x\n", "  default: null\n", "  default: ''\n", ""])
def test_an_answer_of_null_that_an_older_copier_has_recorded(default: str, tmp_path: Path) -> None:
    question = "name: demo\nword:\n  type: str\n"
    world = make_world(
        tmp_path,
        {**BEFORE, "c.txt.jinja": "{{ word }}\n"},
        AFTER,
        questions=question + "  default: x\n",
        late=question + default,
    )
    world.edit({".copier-answers.yml": world.text(".copier-answers.yml").replace("word: x", "word: null")})
    world.update()
    assert world.text("a.txt") == LINES + "more\n"
    commit(world.project)
    done = mlops("check", cwd=world.project)
    assert done.returncode == 0, done.stderr


def extended(tmp_path: Path) -> World:
    """A template that needs an extension of Jinja."""
    world = make_world(tmp_path, {**BEFORE, "l.txt": "012\n"}, {})
    return world_with(world, {"copier.yml": EXTENSION, "l.txt": None, "l.txt.jinja": LOOP})


def world_with(world: World, files: dict[str, str | None]) -> World:
    """The template with a third version."""
    from tests.update.world import write

    write(world.template, files)
    commit(world.template, "three")
    git("tag", "v3.0.0", cwd=world.template)
    return world


@pytest.mark.usefixtures("strangers")
def test_check_of_a_template_with_extensions_says_what_it_knows(tmp_path: Path) -> None:
    world = extended(tmp_path)
    done = mlops("check", cwd=world.project)
    assert done.returncode == 2
    assert "behind: v1.0.0, the newest is v3.0.0" in done.stderr
    assert "mlops check --trust" in done.stderr
    assert mlops("update", "-l", "--trust", cwd=world.project).returncode == 0
    commit(world.project)
    compared = mlops("check", cwd=world.project)  # the trust is remembered
    assert (compared.returncode, "not drifted" in compared.stderr) == (0, True)


@pytest.mark.usefixtures("strangers")
def test_diff_and_explain_of_a_template_with_extensions(tmp_path: Path) -> None:
    world = extended(tmp_path)
    assert mlops("update", "-l", "--trust", cwd=world.project).returncode == 0
    commit(world.project)
    for command in (["diff"], ["explain", "a.txt"]):
        refused = mlops(*command, cwd=world.project, MLOPS_CONFIG_DIR=str(tmp_path / "nobody's"))
        assert (refused.returncode, "--trust" in refused.stderr) == (1, True)
        assert mlops(*command, cwd=world.project).returncode == 0


def test_a_cache_on_a_disk_that_is_full_says_so(tmp_path: Path) -> None:
    world = make_world(tmp_path, BEFORE, AFTER)
    (tmp_path / "cache").write_text("no folder\n")
    done = mlops("update", "-l", cwd=world.project, MLOPS_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert os.fspath(tmp_path / "cache") in done.stderr
