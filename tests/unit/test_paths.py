"""Whatever a template names, nothing is written outside of the project, into git's own folder, or through a symlink."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.tree import Entry, Tree
from mlops_scaffold.projects.difference import difference
from mlops_scaffold.rendering import Rendered, copier_adapter, plain
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git
from tests.update.world import ANSWERS as ANSWERS_OF_COPIER
from tests.update.world import Files, commit, make_world, new_project, snapshot, write

OUTSIDE = (
    "../x",
    "a/../../x",
    "/x",
    "a/..",
    "",
    "C:/x",
    "C:x",
    "\\x",
    "a\\..\\..\\x",
    ".. /x",
    "...",
)
GITS_OWN = (
    ".git",
    ".git/hooks/pre-commit",
    "a/.git/config",
    ".GIT/config",
    ".git /config",
    ".git./config",
    ".git . ./config",
    "git~1/config",
    "GIT~1/config",
    ".git:\n/config",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    ".Git\ufeff/config",
    "a\\.git\\config",
)
FINE = (
    "a",
    ".gitignore",
    ".gitmodules",
    ".github/workflows/ci.yml",
    "x.git/a",
    "git~2",
    "..a",
    "a..",
    "a b/ü✓.txt",
    "-x",
    "a/.env",
    "ab:c",
)
FILE, LINK = Entry(b"text"), Entry(b"..", symlink=True)


def tree(*files: tuple[str, Entry]) -> Tree:
    return Tree({PurePosixPath(name): entry for name, entry in files})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *((path, "outside of the project") for path in OUTSIDE),
        *((path, "in git's own folder") for path in GITS_OWN),
        ("a\0b", "no file system can hold"),
    ],
)
def test_no_tree_has_such_a_path(path: str, reason: str) -> None:
    for entry in (FILE, LINK):
        with pytest.raises(MlopsError, match=reason) as refused:
            tree((path, entry))
        assert refused.value.next_step


@pytest.mark.parametrize("path", FINE)
def test_unusual_names_are_written_as_they_are(path: str, tmp_path: Path) -> None:
    tree((path, FILE)).write_new(tmp_path / "made")
    assert (tmp_path / "made" / path).read_bytes() == b"text"


@pytest.mark.parametrize("below", ["link/x", "LINK/x", "link/a/b", "Link", "l\u200cink/x"])
def test_nothing_is_below_a_symlink_that_the_template_brings(below: str) -> None:
    for files in ([("link", LINK), (below, FILE)], [(below, FILE), ("link", LINK)]):
        with pytest.raises(MlopsError, match="through its symlink"):
            tree(*files)
    tree(("link", LINK), ("linked/x", FILE), ("a/link/x", FILE))


def test_the_answers_file_is_a_path_like_any_other() -> None:
    for path in ("../x", "/x", ".git/x"):
        with pytest.raises(MlopsError, match=path):
            Rendered({}, Tree({}), Path(path), (), {})


# --- generated -------------------------------------------------------------------------------------------------------

PARTS = """a b A .. . .git .GIT .git. git~1 link LINK target
\\ ~ C: .g\u200cit hooks config /"""
parts = st.sampled_from([*PARTS.split(), "", " ", "\n", "\0"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=3
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
links = st.sampled_from([b"..", b"../target", b"/", b".git", b"a"]).map(lambda to: Entry(to, symlink=True))
entries = st.just(FILE) | links


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.dictionaries(paths, entries, min_size=1, max_size=3))
@example({"link": Entry(b"../target", symlink=True), "link/x": FILE})
@example({"../x": FILE})
@example({".git/hooks/x": FILE})
def test_whatever_the_paths_nothing_leaves_the_destination(files: dict[str, Entry]) -> None:
    with tempfile.TemporaryDirectory() as name:
        around = Path(name) / "around"
        write(around, {"target/x": "mine", "project.txt": "mine"})
        before = snapshot(around)
        destination = around / "project"
        with suppress(MlopsError):
            tree(*files.items()).write_new(destination)
        found = {Path(folder, file) for folder, folders, names in os.walk(around) for file in (*folders, *names)}
        for path in found - {around / name for name in before} - {around / "target", destination}:
            assert path.is_relative_to(destination)
            assert not {part.casefold() for part in path.relative_to(destination).parts} & {".git", "git~1"}
        assert {name: entry for name, entry in snapshot(around).items() if name in before} == before


# --- templates -------------------------------------------------------------------------------------------------------

ANSWERS = "{{ _copier_conf.answers_file }}.jinja"
NAMES = "_subdirectory: files\nup: '..'\ngit: '.git'\nlink: link\n"
HOSTILE: dict[str, tuple[str, Files]] = {
    "a folder above": (NAMES, {"{{ up }}/target/escaped": "x"}),
    "an absolute path": (NAMES + "root: 'TARGET'\n", {"{{ root }}/escaped": "x"}),
    "a hook": (NAMES, {"{{ git }}/hooks/escaped*": "x"}),
    "a hook in capitals": (NAMES, {"{{ git.upper() }}/hooks/escaped*": "x"}),
    "below its own link": (NAMES + "_preserve_symlinks: true\n", {"link": "-> TARGET", "{{ link }}/escaped": "x"}),
    "a hook through a link": (NAMES + "_preserve_symlinks: true\n", {"link": "-> .git", "{{ link }}/escaped": "x"}),
}
ANSWERS_FILES: dict[str, tuple[str, Files]] = {
    "answers above": ("_subdirectory: files\n_answers_file: ../target/escaped\n", {ANSWERS: "x"}),
    "answers at an absolute path": ("_subdirectory: files\n_answers_file: TARGET/escaped\n", {ANSWERS: "x"}),
    "answers in git's folder": ("_subdirectory: files\n_answers_file: .git/escaped\n", {ANSWERS: "x"}),
    "answers that are not written": ("_subdirectory: files\n_answers_file: ../target/escaped\n", {}),
}


def bring(folder: Path, case: tuple[str, Files]) -> tuple[str, Files]:
    """The questions and files of a hostile template that knows where a folder is."""
    questions, files = case
    target = str(folder / "target")
    write(folder, {"target/mine": "mine"})
    rendered = {f"files/{name}": str(content).replace("TARGET", target) for name, content in files.items()}
    return questions.replace("TARGET", target), rendered


def escaped(folder: Path) -> list[Path]:
    """What was written where nothing may be."""
    return [
        path
        for path in folder.rglob("escaped")
        if not path.is_relative_to(folder / "template") and "mlops" not in path.parts
    ]


@pytest.mark.parametrize("by_copier", [False, True])
@pytest.mark.parametrize("case", [*HOSTILE, *ANSWERS_FILES])
def test_a_new_project_of_a_hostile_template_is_refused(
    case: str, by_copier: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions, files = bring(tmp_path, HOSTILE.get(case) or ANSWERS_FILES[case])
    template = tmp_path / "template"
    write(template, {"copier.yml": questions, "files/a.txt": "a\n", **files})
    git("init", "--quiet", cwd=template)
    commit(template, ignored=True)
    if by_copier:
        monkeypatch.setattr(plain, "render", copier_adapter.render)
    with pytest.raises(MlopsError, match="would write"):
        new_project(template, tmp_path / "project")
    assert escaped(tmp_path) == []
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("case", "engine"),
    [*((case, "merge") for case in HOSTILE), ("a hook", "copier"), ("a hook through a link", "copier")],
)
def test_an_update_to_a_hostile_version_is_refused(case: str, engine: str, tmp_path: Path) -> None:
    questions, files = bring(tmp_path, HOSTILE[case])
    answers = {f"files/{name}": content for name, content in ANSWERS_OF_COPIER.items()}
    world = make_world(tmp_path, {"a.txt": "one\n"}, {"files/a.txt": "two\n", **answers, **files}, late=questions)
    with pytest.raises(MlopsError, match=r"would write|not allowed|forbidden|outside"):
        world.update(engine=engine)
    assert escaped(tmp_path) == []
    assert world.text("a.txt") == "one\n"
    assert world.status() == ""


@pytest.mark.parametrize("where", ["../target", "src", ".git"])
def test_an_update_writes_nothing_through_a_link_of_the_project(where: str, tmp_path: Path) -> None:
    """A person put a link into the place of a folder: the link stays, and what is not written is named."""
    world = make_world(tmp_path, {"docs/a.txt": "one\n", "src/b.txt": "b\n"}, {"docs/escaped": "x"})
    write(tmp_path, {"target/mine": "mine"})
    world.edit({"docs/a.txt": None, "docs": f"-> {where}"})
    if where == "src":  # copier itself refuses what is outside
        with pytest.raises(MlopsError, match="through a symlink"):
            world.update(engine="copier")
        assert world.status() == ""
    outcome = world.update()
    assert [change.note for change in outcome.changes if change.path == "docs/escaped"] == [
        "not written: docs is a link of yours"
    ]
    assert (world.project / "docs").readlink() == Path(where)
    assert escaped(tmp_path) == []


def test_what_is_below_a_link_of_the_project_is_not_read(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"docs/secret": "one\n"}, {})
    write(tmp_path, {"target/secret": "do not tell\n"})
    world.edit({"docs": "-> ../target"})
    assert b"do not tell" not in difference([open_project(world.project)], open_repository(world.project))


@pytest.mark.parametrize("name", ["../answers.yml", "/tmp/answers.yml", ".git/config"])
def test_the_answers_of_a_project_are_in_it(name: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": "one\n"}, {"a.txt": "two\n"})
    with pytest.raises(MlopsError, match=r"--answers-file .* Name a path within the project"):
        world.update(answers_file=name)
