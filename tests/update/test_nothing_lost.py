"""Nothing that a person wrote is ever lost: it is in the result, or in a conflict that is named."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.updating.request import Outcome

from tests.conftest import git
from tests.update.world import Files, World, commit, make_world, new_project, snapshot, write

LINES = "".join(f"line {number}\n" for number in range(12))
BLOCKS = "".join(f"  - name: {name}\n    steps:\n      - run: install\n      - run: test\n" for name in "abcd")
ODD = ("a b.txt", "ünï.txt", '"q".txt', "-dash.txt", "new\nline.txt", "ta\tb")


@dataclass(frozen=True)
class Case:
    """A template's change against a user's edit: `kept` must be somewhere afterwards, `statuses` in the report."""

    before: Files
    after: Files
    edit: Files
    kept: tuple[str, ...] = ("MINE",)
    statuses: dict[str, str] = field(default_factory=dict)
    result: dict[str, str | None] = field(default_factory=dict)
    copier_loses: bool = False


CASES: dict[str, Case] = {
    "the template renames a file that the user edited": Case(
        {"a.txt": LINES},
        {"a.txt": None, "b.txt": LINES},
        {"a.txt": LINES.replace("line 3", "MINE")},
        result={"a.txt": None, "b.txt": LINES.replace("line 3", "MINE")},
        copier_loses=True,
    ),
    "the user renamed a file that the template fixes": Case(
        {"a.txt": LINES * 9},
        {"a.txt": LINES * 9 + "fixed\n"},
        {"a.txt": None, "mine.txt": "MINE\n" + LINES * 9},
        result={"a.txt": None, "mine.txt": "MINE\n" + LINES * 9 + "fixed\n"},
    ),
    "the template deletes an edited file": Case(
        {"a.txt": LINES}, {"a.txt": None}, {"a.txt": LINES + "MINE\n"}, statuses={"a.txt": "kept"}, copier_loses=True
    ),
    "the user deleted a file that the template changes": Case(
        {"a.txt": LINES, "other.txt": "o\n"},
        {"a.txt": LINES + "more\n"},
        {"a.txt": None},
        kept=(),
        statuses={"a.txt": "kept"},
        result={"a.txt": None},
    ),
    "a binary changed by the user": Case(
        {"a.bin": b"\0\1\2" * 50, "b.txt": "b\n"},
        {"b.txt": "c\n"},
        {"a.bin": b"\0\1\2" * 40 + b"MINE"},
        result={"b.txt": "c\n"},
        copier_loses=True,
    ),
    "a binary changed on both sides": Case(
        {"a.bin": b"\0\1\2" * 50},
        {"a.bin": b"\0\3\4" * 50},
        {"a.bin": b"\0\1\2" * 40 + b"MINE"},
        statuses={"a.bin": "conflict"},
        copier_loses=True,
    ),
    "bytes that are no UTF-8": Case(
        {"a.txt": b"caf\xe9\n" + LINES.encode()},
        {"a.txt": b"caf\xe9\n" + LINES.encode() + b"more\n"},
        {"a.txt": b"caf\xe9 MINE\n" + LINES.encode()},
    ),
    "line ends of Windows": Case(
        {"a.txt.jinja": LINES.replace("\n", "\r\n"), "raw.txt": LINES.replace("\n", "\r\n")},
        {"raw.txt": LINES.replace("\n", "\r\n").replace("line 9", "fixed")},
        {"raw.txt": LINES.replace("\n", "\r\n").replace("line 3", "MINE")},
        result={"raw.txt": LINES.replace("\n", "\r\n").replace("line 3", "MINE").replace("line 9", "fixed")},
    ),
    "no newline at the end": Case(
        {"a.txt": LINES.rstrip("\n")},
        {"a.txt": "new\n" + LINES.rstrip("\n")},
        {"a.txt": LINES + "MINE"},
        result={"a.txt": "new\n" + LINES + "MINE"},
    ),
    "odd file names": Case(
        {
            "a b.txt": LINES,
            "ünï.txt": LINES,
            '"q".txt': LINES,
            "-dash.txt": LINES,
            "new\nline.txt": LINES,
            "ta\tb": LINES,
        },
        dict.fromkeys(ODD, LINES + "more\n"),
        dict.fromkeys(ODD, "MINE\n" + LINES),
        result=dict.fromkeys(ODD, "MINE\n" + LINES + "more\n"),
    ),
    "the template makes a file executable that the user edited": Case(
        {"run.sh": LINES}, {"run.sh*": LINES}, {"run.sh": LINES + "MINE\n"}, result={"run.sh": LINES + "MINE\n"}
    ),
    "the user replaced a file by a symlink": Case(
        {"a.txt": LINES, "real.txt": "real\n"},
        {"a.txt": LINES + "more\n"},
        {"a.txt": "-> MINE"},
        statuses={"a.txt": "conflict"},
    ),
    "an edit inside one of several equal blocks": Case(
        {"ci.yml": "jobs:\n" + BLOCKS},
        {"ci.yml": "# a comment\njobs:\n" + BLOCKS.replace("name: a", "name: z")},
        {
            "ci.yml": "jobs:\n"
            + BLOCKS[: BLOCKS.index("  - name: d")]
            + BLOCKS[BLOCKS.index("  - name: d") :].replace("run: test", "run: MINE")
        },
        result={
            "ci.yml": "# a comment\njobs:\n"
            + BLOCKS[: BLOCKS.index("  - name: d")].replace("name: a", "name: z")
            + BLOCKS[BLOCKS.index("  - name: d") :].replace("run: test", "run: MINE")
        },
    ),
    "both add a file of one name": Case(
        {"o.txt": "o\n"}, {"a.txt": "the template's\n"}, {"a.txt": "MINE\n"}, statuses={"a.txt": "conflict"}
    ),
    "both add the same file": Case(
        {"o.txt": "o\n"}, {"a.txt": "the same\n"}, {"a.txt": "the same\n"}, kept=("the same",)
    ),
    "both change the same line": Case(
        {"a.txt": LINES},
        {"a.txt": LINES.replace("line 3", "theirs")},
        {"a.txt": LINES.replace("line 3", "MINE")},
        statuses={"a.txt": "conflict"},
    ),
    "a file becomes a folder": Case(
        {"a": LINES},
        {"a": None, "a/b.txt": LINES},
        {"a": LINES + "MINE\n"},
        result={"a/b.txt": LINES + "MINE\n"},
    ),
    "a file becomes a folder of other files": Case(
        {"a": LINES},
        {"a": None, "a/b.txt": "b\n"},
        {"a": LINES + "MINE\n"},
        statuses={"a": "conflict", "a/b.txt": "kept"},
    ),
    "a folder becomes a file": Case(
        {"a/b.txt": LINES}, {"a/b.txt": None, "a": "a file\n"}, {"a/b.txt": LINES + "MINE\n"}
    ),
    "a folder with a file of the user's becomes a file": Case(
        {"a/b.txt": LINES}, {"a/b.txt": None, "a": "a file\n"}, {"a/mine.txt": "MINE\n"}
    ),
    "the template removes a folder in which the user has a file": Case(
        {"a/b.txt": LINES, "o.txt": "o\n"}, {"a/b.txt": None}, {"a/mine.txt": "MINE\n"}, result={"a/mine.txt": "MINE\n"}
    ),
    "the template renames a folder in which the user has a file": Case(
        {"a/b.txt": LINES, "a/c.txt": LINES + "c\n"},
        {"a/b.txt": None, "a/c.txt": None, "z/b.txt": LINES, "z/c.txt": LINES + "c\n"},
        {"a/mine.txt": "MINE\n"},
    ),
    "the user emptied a file": Case(
        {"a.txt": LINES},
        {"a.txt": LINES + "more\n"},
        {"a.txt": "", "mine.txt": "MINE\n"},
        statuses={"a.txt": "conflict"},
    ),
    "the user added attributes": Case(
        {"a.txt": LINES, "b.dat": LINES},
        {"a.txt": LINES.replace("line 9", "fixed"), "b.dat": LINES.replace("line 9", "fixed")},
        {
            ".gitattributes": "*.txt text eol=crlf\n*.dat -text\n",
            "a.txt": LINES.replace("line 3", "MINE").replace("\n", "\r\n"),
        },
        result={"a.txt": LINES.replace("line 3", "MINE").replace("line 9", "fixed").replace("\n", "\r\n")},
    ),
    "the user tracks a file that is ignored": Case(
        {".gitignore": "*.log\n", "o.txt": "o\n"}, {"x.log": "the template's\n"}, {"keep.txt": "MINE\n"}
    ),
}


# For these, copier updates after us. It takes ten times as long as we do: the other cases are in the soak suite.
SAMPLE = ("line ends of Windows", "odd file names", "an edit inside one of several equal blocks")


@pytest.mark.parametrize("name", CASES)
def test_an_edit_survives(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    world = make_world(tmp_path, case.before, case.after)
    world.edit(case.edit)
    outcome = world.update()
    check(world, outcome, case)


def check(world: World, outcome: Outcome, case: Case) -> None:
    """What must hold after every update."""
    for token in case.kept:
        assert world.holds(token)
    statuses = {change.path: change.status for change in outcome.changes}
    for path, status in case.statuses.items():
        assert statuses.get(path) == status, statuses
    for path, content in case.result.items():
        file = world.project / path
        assert (file.read_bytes().decode() if file.exists() else None) == content
    unmerged = {path for path, _ in world.stages()}
    assert unmerged == {path for path, status in statuses.items() if status == "conflict"}
    assert outcome.conflicts == len(unmerged)
    merged = {
        line.split("\t")[1] for line in git("ls-files", "--stage", cwd=world.project).splitlines() if " 0\t" in line
    }
    assert not merged & unmerged, "what is a conflict is not merged as well"
    if not unmerged:
        assert not any(b"<<<<<<<" in content for content, _, _ in world.snapshot().values())


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in SAMPLE else pytest.mark.soak)
        for name, case in CASES.items()
        if not case.copier_loses and "conflict" not in case.statuses.values()
    ],
)
def test_copier_has_nothing_left_to_do_after_us(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    world = make_world(tmp_path, case.before, case.after)
    world.edit(case.edit)
    assert world.update().conflicts == 0
    commit(world.project, "updated")
    before = world.snapshot()
    world.copier()
    assert world.snapshot() == before
    assert world.status() == ""


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.copier_loses])
def test_copier_loses_it(name: str, tmp_path: Path) -> None:
    """The cases are worth something: plain copier loses these. Where this fails, copier has become better."""
    case = CASES[name]
    world = make_world(tmp_path, case.before, case.after)
    world.edit(case.edit)
    world.copier()
    assert not all(world.holds(token) for token in case.kept)


def test_an_answer_that_renames_the_package(tmp_path: Path) -> None:
    files = {"src/{{ name }}/__init__.py.jinja": '"""{{ name }}"""\n' + LINES, "src/{{ name }}/core.py": LINES}
    world = make_world(tmp_path, files, {})
    world.edit({"src/demo/core.py": LINES.replace("line 3", "MINE"), "src/demo/own.py": "OWN = 1\n"})
    outcome = world.update(data={"name": "other"})
    assert outcome.conflicts == 0
    assert (world.project / "src/other/core.py").read_text() == LINES.replace("line 3", "MINE")
    assert (world.project / "src/other/own.py").read_text() == "OWN = 1\n"
    assert not (world.project / "src/demo").exists()


def test_an_ignored_file_is_never_overwritten(tmp_path: Path) -> None:
    world = make_world(tmp_path, {".gitignore": "*.local\n"}, {"settings.local": "the template's\n"})
    write(world.project, {"settings.local": "MINE\n"})
    outcome = world.update()
    assert world.text("settings.local") == "MINE\n"
    assert ("settings.local", "kept") in [(change.path, change.status) for change in outcome.changes]
    assert "settings.local" not in git("ls-files", cwd=world.project)


def test_an_untracked_file_is_for_a_person_to_move(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"o.txt": "o\n"}, {"a.txt": "the template's\n"})
    write(world.project, {"a.txt": "MINE\n"})
    before = world.snapshot()
    with pytest.raises(MlopsError, match=r"a\.txt is in the way"):
        world.update()
    assert world.snapshot() == before


def test_an_ignored_file_that_was_rendered_is_left_alone_and_named(tmp_path: Path) -> None:
    before = {".gitignore": "*.local\n", "settings.local": LINES}
    world = make_world(tmp_path, before, {"settings.local": LINES.replace("line 9", "fixed")})
    write(world.project, {"settings.local": LINES.replace("line 3", "MINE")})
    outcome = world.update()
    assert world.text("settings.local") == LINES.replace("line 3", "MINE")
    assert ("settings.local", "kept") in [(change.path, change.status) for change in outcome.changes]
    assert "settings.local" not in git("ls-files", cwd=world.project)


def test_an_untracked_file_where_the_template_adds_a_folder(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"o.txt": "o\n"}, {"a/b.txt": "b\n"})
    write(world.project, {"a": "MINE\n"})
    before = world.snapshot()
    with pytest.raises(MlopsError, match="in the way"):
        world.update()
    assert world.snapshot() == before


def test_an_ignored_file_where_the_template_adds_a_folder_stays(tmp_path: Path) -> None:
    world = make_world(tmp_path, {".gitignore": "a\n", "o.txt": "o\n"}, {"a/b.txt": "b\n", "o.txt": "more\n"})
    write(world.project, {"a": "MINE\n"})
    outcome = world.update()
    assert (world.text("a"), world.text("o.txt")) == ("MINE\n", "more\n")
    assert [change.path for change in outcome.changes if change.status == "kept"] == ["a/b.txt"]


CONFIGS = [
    "apply.whitespace=fix",
    "core.autocrlf=true",
    "core.autocrlf=input",
    "core.eol=crlf",
    "merge.renames=false",
    "merge.conflictStyle=diff3",
    "merge.conflictStyle=zdiff3",
    "merge.ff=only",
    "merge.directoryRenames=false",
    "diff.renames=false",
    "diff.noprefix=true",
    "diff.external=/bin/false",
    "diff.algorithm=patience",
    "commit.gpgsign=true",
    "core.hooksPath=/nonexistent",
    "alias.status=log",
    "status.showUntrackedFiles=no",
    "core.quotePath=false",
    "core.fileMode=false",
    "core.untrackedCache=true",
    "feature.manyFiles=true",
    "index.version=4",
    "color.ui=always",
    "core.pager=/bin/false",
    "rerere.enabled=true",
    "blame.ignoreRevsFile=/nonexistent",
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_users_git_settings_change_nothing(config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(
        tmp_path,
        {"a.txt": LINES, "trail.txt": "x  \n" + LINES, "run.sh*": "#!/bin/sh\n" + LINES},
        {"a.txt": None, "b/a.txt": LINES.replace("line 9", "fixed"), "trail.txt": "x  \n" + LINES + "more\n"},
    )
    world.edit({"a.txt": LINES.replace("line 3", "MINE"), "trail.txt": "x  \nMINE  \n" + LINES})
    key, value = config.split("=")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", key)
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", value)
    outcome = world.update()
    assert outcome.conflicts == 0
    read = {name: content.replace(b"\r\n", b"\n").decode() for name, (content, _, _) in world.snapshot().items()}
    assert read["b/a.txt"] == LINES.replace("line 3", "MINE").replace("line 9", "fixed")
    assert read["trail.txt"] == "x  \nMINE  \n" + LINES + "more\n"
    assert "a.txt" not in read
    assert os.access(world.project / "run.sh", os.X_OK)


def test_no_hook_runs(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    hooks = world.project / ".git/hooks"
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        hooks.mkdir(exist_ok=True)
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    world.update()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_changes_that_git_was_told_not_to_see(flag: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    git("update-index", flag, "a.txt", cwd=world.project)
    write(world.project, {"a.txt": "MINE\n"})
    with pytest.raises(MlopsError, match="not to look at"):
        world.update()
    assert world.text("a.txt") == "MINE\n"


def test_a_template_that_fails_touches_nothing(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"b.txt.jinja": "{{ nothing.at.all }}", "a.txt": "more\n"})
    before = world.snapshot()
    with pytest.raises(MlopsError, match="does not render"):
        world.update()
    assert world.snapshot() == before
    assert world.status() == ""


# --- where the project lives -----------------------------------------------------------------------------------------


def simple(tmp_path: Path) -> World:
    """A project with an edit, and an update that changes another line of the same file."""
    world = make_world(tmp_path, {"a.txt": LINES, "sub/b.txt": LINES}, {"a.txt": LINES + "more\n", "sub/c.txt": "c\n"})
    world.edit({"a.txt": "MINE\n" + LINES})
    return world


def test_a_project_in_a_folder_of_a_monorepo(tmp_path: Path) -> None:
    world = simple(tmp_path)
    mono = tmp_path / "mono"
    (mono / "teams").mkdir(parents=True)
    git("init", "--quiet", cwd=mono)
    write(mono, {"other.txt": "other\n", ".gitattributes": "*.txt text\n", "a.txt": "not the project's\n"})
    subprocess.run(["cp", "-r", str(world.project), str(mono / "teams/one")], check=True)
    subprocess.run(["rm", "-rf", str(mono / "teams/one/.git")], check=True)
    commit(mono)
    write(mono, {"other.txt": "being edited elsewhere\n"})
    world.update(mono / "teams/one")
    assert (mono / "teams/one/a.txt").read_text() == "MINE\n" + LINES + "more\n"
    assert (mono / "a.txt").read_text() == "not the project's\n"
    assert (mono / "other.txt").read_text() == "being edited elsewhere\n"
    assert git("diff", "--cached", "--name-only", cwd=mono).splitlines() == [
        "teams/one/.copier-answers.yml",
        "teams/one/a.txt",
        "teams/one/sub/c.txt",
    ]


def test_a_linked_worktree(tmp_path: Path) -> None:
    world = simple(tmp_path)
    git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "topic", cwd=world.project)
    before = world.snapshot()
    world.update(tmp_path / "linked")
    assert (tmp_path / "linked/a.txt").read_text() == "MINE\n" + LINES + "more\n"
    assert world.snapshot() == before
    assert world.status() == ""


def test_a_shallow_clone(tmp_path: Path) -> None:
    world = simple(tmp_path)
    git("clone", "--quiet", "--depth=1", f"file://{world.project}", str(tmp_path / "clone"), cwd=tmp_path)
    world.update(tmp_path / "clone")
    assert (tmp_path / "clone/a.txt").read_text() == "MINE\n" + LINES + "more\n"


def test_a_project_with_a_submodule(tmp_path: Path) -> None:
    world = simple(tmp_path)
    module = tmp_path / "module"
    module.mkdir()
    git("init", "--quiet", cwd=module)
    write(module, {"m.txt": "m\n"})
    commit(module)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "vendor/m", cwd=world.project)
    commit(world.project)
    write(world.project / "vendor/m", {"m.txt": "MINE too\n"})
    world.update()
    assert world.text("a.txt") == "MINE\n" + LINES + "more\n"
    assert world.text("vendor/m/m.txt") == "MINE too\n"


@pytest.mark.long
def test_eight_updates_at_once(tmp_path: Path) -> None:
    import sys

    world = simple(tmp_path)
    folders = []
    for number in range(8):
        subprocess.run(["cp", "-r", str(world.project), str(tmp_path / f"p{number}")], check=True)
        folders.append(tmp_path / f"p{number}")
    command = [sys.executable, "-m", "mlops_scaffold", "update", "-l", "-q"]
    running = [subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE) for folder in folders]
    assert [process.wait() for process in running] == [0] * 8, [process.stderr for process in running]
    assert len({str(snapshot(folder)) for folder in folders}) == 1
    assert (folders[0] / "a.txt").read_text() == "MINE\n" + LINES + "more\n"


def test_no_network(tmp_path: Path) -> None:
    world = simple(tmp_path)
    world.update(dry_run=True)
    world.template.rename(tmp_path / "gone")
    world.update()
    assert world.text("a.txt") == "MINE\n" + LINES + "more\n"


def test_a_project_of_two_templates(tmp_path: Path) -> None:
    world = simple(tmp_path)
    other = make_world(tmp_path / "other", {"second.txt": LINES}, {"second.txt": LINES + "more\n"})
    write(
        world.project,
        {".second.yml": (other.project / ".copier-answers.yml").read_bytes(), "second.txt": "MINE 2\n" + LINES},
    )
    commit(world.project)
    world.update()
    commit(world.project)
    world.update(answers_file=".second.yml")
    assert world.text("a.txt") == "MINE\n" + LINES + "more\n"
    assert world.text("second.txt") == "MINE 2\n" + LINES + "more\n"


Fixture = Callable[[Path], World]


def test_new_questions_are_answered(tmp_path: Path) -> None:
    world = make_world(
        tmp_path,
        {"a.txt.jinja": "{{ name }}\n"},
        {"a.txt.jinja": "{{ name }} {{ colour }}\n"},
        late="name: demo\ncolour: {type: str, default: blue, choices: [blue, red]}\n",
    )
    world.update()
    assert world.text("a.txt") == "demo blue\n"
    assert "colour: blue" in world.text(".copier-answers.yml")


def test_the_seed_stays_and_is_named(tmp_path: Path) -> None:
    seeds = "_skip_if_exists: [/seed.txt, '/src/*/model.py']\nname: demo\n"
    before = {"seed.txt": "one\n", "src/{{ name }}/model.py": LINES, "gone.txt": "g\n"}
    world = make_world(tmp_path, before, {"seed.txt": "two\n"}, questions=seeds)
    world.edit({"src/demo/model.py": "MINE\n"})
    outcome = world.update(data={"name": "other"})
    assert world.text("seed.txt") == "one\n"
    assert world.text("src/other/model.py") == "MINE\n"
    assert not (world.project / "src/demo").exists()
    assert [(change.path, change.status) for change in outcome.changes if change.path == "seed.txt"] == [
        ("seed.txt", "kept")
    ]


def test_a_deleted_seed_stays_deleted(tmp_path: Path) -> None:
    world = make_world(
        tmp_path, {"seed.txt": "one\n"}, {"seed.txt": "two\n"}, questions="_skip_if_exists: [/seed.txt]\nname: demo\n"
    )
    world.edit({"seed.txt": None})
    world.update()
    assert not (world.project / "seed.txt").exists()


@pytest.mark.parametrize("edited", [False, True])
def test_a_seed_of_another_answer(edited: bool, tmp_path: Path) -> None:
    questions = "_skip_if_exists: [/seed.txt]\nkind: a\n"
    world = make_world(tmp_path, {"seed.txt.jinja": LINES + "{{ kind }}\n"}, {}, questions=questions)
    if edited:
        world.edit({"seed.txt": "MINE\n" + LINES + "a\n"})
    outcome = world.update(data={"kind": "b"})
    if edited:
        assert outcome.conflicts == 1
        assert world.stages()["seed.txt", 2].startswith(b"MINE")
    else:
        assert world.text("seed.txt") == LINES + "b\n"


def test_new_projects_and_updated_ones_are_equal(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES, "b.txt": "b\n"}, {"a.txt": None, "c/d.txt": LINES, "b.txt*": "b\n"})
    world.update()
    fresh = new_project(world.template, tmp_path / "fresh" / "project")
    assert world.snapshot() == snapshot(fresh)
