"""Nothing that somebody else wrote is run, and nothing of it is written, before a person has said --trust."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mlops_scaffold.applying import journal, taking_back
from mlops_scaffold.cli import app
from mlops_scaffold.creating import new
from mlops_scaffold.creating.bootstrap import Setup, Wishes
from mlops_scaffold.creating.bootstrap import remember as keep_wishes
from mlops_scaffold.doctor import examine
from mlops_scaffold.doctor.registry import Place
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.sources import address
from mlops_scaffold.vcs.repository import open_repository
from mlops_scaffold.vcs.trust import canonical, is_trusted, remember

from tests.conftest import ROOT, git
from tests.update.world import World, commit, forget_fetches, make_world, write

pytestmark = pytest.mark.usefixtures("strangers")
MARK = "touch {mark}\n"
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'
PACKAGE = '[project]\nname = "demo"\ndynamic = ["version"]\nrequires-python = ">=3.11"\ndependencies = [{}]\n\n'
QUESTIONS = "package_name: demo\nproblem: classification\nframework: sklearn\n"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod")

_seen: list[tuple[str, str]] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    """Every program that this process starts, and every path that it writes to, while somebody listens."""
    if _seen is None:
        return
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        command = arguments[1] if event == "subprocess.Popen" else arguments[0]
        _seen.append(("run", os.fsdecode(command if isinstance(command, str | bytes) else command[0])))
    if event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & WRITING:
        _seen.append(("write", os.path.abspath(os.fsdecode(arguments[0]))))  # noqa: PTH100
    if event in CHANGES and arguments[-1] == -1:  # a path, and not a name in an open folder
        named = (one for one in arguments if isinstance(one, str | bytes | os.PathLike))
        _seen.extend(("write", os.path.abspath(os.fsdecode(one))) for one in named)  # noqa: PTH100


sys.addaudithook(_listen)


@pytest.fixture
def seen() -> Iterator[list[tuple[str, str]]]:
    """What is run and written from now on."""
    global _seen
    _seen = []
    yield _seen
    _seen = None


def everything(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, git's own too."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def hostile(tmp_path: Path) -> World:
    """A project with a program in each place where one could be started, one version behind its template."""
    script = f"#!/bin/sh\ntouch {tmp_path}/ran\n"
    files = {
        "pyproject.toml": PACKAGE.format("") + BACKEND,
        "uv.lock": 'version = 1\nrequires-python = ">=3.11"\n',
        "evil.py": f"open({str(tmp_path / 'ran')!r}, 'w')\n",
        "src/demo/workspace.py": f"open({str(tmp_path / 'ran')!r}, 'w')\n",
        "src/demo/doctor.py": f"open({str(tmp_path / 'ran')!r}, 'w')\n",
        ".gitattributes": "*.txt filter=evil merge=evil diff=evil\n",
        "a.txt": "one\n",
    }
    world = make_world(
        tmp_path, files, {"a.txt": "two\n", "pyproject.toml": PACKAGE.format('"x"') + BACKEND}, QUESTIONS
    )
    world.edit({".venv/bin/python*": script, ".venv/bin/poe*": script, ".venv/pyvenv.cfg": "home = /usr/bin\n"})
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        write(world.project / ".git/hooks", {f"{name}*": script})
    git("config", "core.fsmonitor", str(world.project / ".git/hooks/fsmonitor-watchman"), cwd=world.project)
    forget_fetches()
    return world


READING = ("check", "diff", "diff --incoming", "explain a.txt", "doctor", "update -l --dry-run")


@pytest.mark.parametrize("command", READING)
def test_commands_that_only_look_run_nothing_and_write_nothing(
    command: str, hostile: World, seen: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = everything(hostile.project)
    monkeypatch.chdir(hostile.project)
    seen.clear()
    call(command)
    assert {what for kind, what in seen if kind == "run"} == {"git"}
    assert [what for kind, what in seen if kind == "write" and what.startswith(str(hostile.project))] == []
    assert everything(hostile.project) == before
    assert not (tmp_path / "ran").exists()


def call(command: str) -> int:
    """A command in this process; its exit code."""
    try:
        app(command.split(), standalone_mode=False)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


PROGRAMS = (
    *("filter.evil.clean", "filter.evil.process", "merge.evil.driver", "diff.evil.textconv", "gpg.program"),
    *("remote.origin.uploadpack", "core.sshcommand", "credential.https://x.example.com.helper"),  # by a lazy fetch
)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("command", READING)
def test_a_repository_whose_own_settings_run_programs_is_not_looked_at(
    command: str,
    name: str,
    hostile: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    git("config", "remote.origin.promisor", "true", cwd=hostile.project)
    git("config", name, f"touch {tmp_path}/ran", cwd=hostile.project)
    write(hostile.project, {"a.txt": "edited\n"})
    monkeypatch.chdir(hostile.project)
    try:
        call(command)
        said = capsys.readouterr().err
    except Untrusted as error:
        said = str(error)
    if not command.startswith("explain"):  # it asks git nothing about the project
        assert f"would run a program ({name}). If you trust it, say so once: --trust" in said
    assert not (tmp_path / "ran").exists()


HONEST = {
    **{"core.filemode": "true", "remote.origin.url": "true", "user.name": "A", "branch.main.merge": "refs/heads/main"},
    **{"filter.lfs.process": "git-lfs filter-process", "filter.lfs.clean": "git-lfs clean -- %f"},
    **{"core.sshCommand": "ssh -i key", "credential.helper": "store"},  # git asks nobody for objects here
}


@pytest.mark.parametrize("name", HONEST)
def test_a_repository_with_honest_settings_is_looked_at(name: str, hostile: World) -> None:
    git("config", name, HONEST[name], cwd=hostile.project)
    assert open_repository(hostile.project).folder == hostile.project


def test_copiers_own_update_runs_no_hook_of_the_project(hostile: World, tmp_path: Path) -> None:
    hostile.update(engine="copier")
    assert (hostile.project / "a.txt").read_text(encoding="utf-8") == "two\n"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["mlops-setup.log", "mlops-setup.new", "mlops-setup.json"])
def test_the_set_up_writes_to_nothing_that_a_link_leads_to(name: str, hostile: World, tmp_path: Path) -> None:
    write(tmp_path, {"own": "mine\n"})
    (hostile.project / ".git" / name).symlink_to(tmp_path / "own")
    project = open_project(hostile.project)
    with pytest.raises(MlopsError, match="is a symlink"):
        keep_wishes(project, Wishes())
    with pytest.raises(MlopsError, match="is a symlink"):
        Setup(project, Wishes()).commit("a")
    assert (tmp_path / "own").read_text(encoding="utf-8") == "mine\n"


def test_answers_are_not_read_from_elsewhere(hostile: World, tmp_path: Path) -> None:
    answers = hostile.project / ".copier-answers.yml"
    answers.rename(tmp_path / "own.yml")
    answers.symlink_to(tmp_path / "own.yml")
    with pytest.raises(MlopsError, match="leads out of the project"):
        open_project(hostile.project)


def test_git_settings_that_put_the_work_tree_elsewhere_are_refused(hostile: World, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    git("config", "core.worktree", str(tmp_path / "home"), cwd=hostile.project)
    with pytest.raises(MlopsError):
        open_repository(hostile.project)


def test_an_update_leaves_the_lock_file_until_it_is_trusted(
    hostile: World, seen: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = hostile.update()
    assert "mlops update --trust" in outcome.notices[-1]
    assert {what for kind, what in seen if kind == "run"} == {"git"}
    git("reset", "--quiet", "--hard", cwd=hostile.project)
    monkeypatch.setattr(process, "uv", lambda: "true")
    remember(hostile.project)
    assert "mlops update --trust" in hostile.update().notices[-1]  # the template is not trusted yet
    git("reset", "--quiet", "--hard", cwd=hostile.project)
    assert hostile.update(trust=True).notices[-1].startswith("uv.lock is resolved again")
    assert ("run", "true") in seen


def test_set_up_runs_nothing_of_a_clone_before_it_is_trusted(
    hostile: World, seen: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(hostile.project)
    with pytest.raises(
        Untrusted, match=r"runs its code: packages, hooks and tasks\. If you trust it.*mlops setup --trust"
    ):
        call("setup")
    assert not any(kind == "run" and what != "git" for kind, what in seen)
    assert not (tmp_path / "ran").exists()


def test_that_a_project_claims_a_trusted_template_is_no_trust_in_it(hostile: World, tmp_path: Path) -> None:
    remember(hostile.template)
    found = examine(Place(open_project(hostile.project), offline=True))
    assert {"lock", "project"} <= found.unknown.keys()
    assert not (tmp_path / "ran").exists()


def test_an_environment_that_came_with_the_project_is_never_run(hostile: World, tmp_path: Path) -> None:
    """Not even where the project is trusted: its next version brings another one."""
    remember(hostile.project, hostile.template)
    found = examine(Place(open_project(hostile.project), offline=True), only=["packages", "lock"])
    assert found.unknown.keys() == {"lock"}
    assert not (tmp_path / "ran").exists()


def test_what_is_installed_is_read_and_not_run(hostile: World) -> None:
    installed = ".venv/lib/python3.11/site-packages/{}.dist-info/METADATA"
    write(hostile.project, {installed.format("good_one-1.0"): "", installed.format("old-1.0"): ""})
    lock = "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{number}"\n'
        for name, number in (("good-one", "1.0"), ("old", "2"))
    )
    write(hostile.project, {"uv.lock": 'version = 1\nrequires-python = ">=3.11"\n' + lock})
    (found,) = examine(Place(open_project(hostile.project), offline=True), only=["packages"]).findings
    assert found.what == "the environment is not what uv.lock names: old"


# --- new -------------------------------------------------------------------------------------------------------------


def plan(template: object, tmp_path: Path, **more: Any) -> new.Plan:
    return new.plan(new.Request(tmp_path / "made", str(template), defaults=True, **more), Report(quiet=True))


def test_the_set_up_of_a_foreign_templates_project_is_refused_before_anything_is_written(
    hostile: World, seen: list[tuple[str, str]], tmp_path: Path
) -> None:
    with pytest.raises(Untrusted, match=r"say so once: --trust\. To write the files alone: --no-setup"):
        plan(hostile.template, tmp_path)
    assert {what for kind, what in seen if kind == "run"} == {"git"}
    assert not (tmp_path / "made").exists()
    assert not plan(hostile.template, tmp_path, set_up=False).trusted
    assert plan(hostile.template, tmp_path, trust=True).trusted
    # Remembered, by whatever spelling.
    assert plan(hostile.template.as_uri(), tmp_path).trusted
    assert plan(hostile.template.parent / "project/../template", tmp_path).trusted


def test_the_data_is_not_shown_to_a_foreign_templates_code(hostile: World, tmp_path: Path) -> None:
    write(tmp_path, {"d.csv": "x,y\n1,2\n"})
    with pytest.raises(Untrusted, match="--dataset"):
        plan(hostile.template, tmp_path, dataset=tmp_path / "d.csv", target="y")


def test_the_installations_own_template_needs_no_word(tmp_path: Path) -> None:
    own = address.installed_address()
    assert address.is_trusted(own.recorded)
    assert address.is_trusted(str(ROOT))
    assert not address.is_trusted(str(tmp_path))


def test_nor_does_the_one_that_a_person_has_put_into_their_settings(strangers: Path, tmp_path: Path) -> None:
    write(strangers.parent, {"settings.yml": "template: https://git.example.com/platform/template.git\n"})
    assert address.is_trusted("git+https://git.example.com/platform/template.git")
    assert not address.is_trusted("https://git.example.com/platform/other.git")


def test_a_project_of_a_template_without_set_up_is_committed_without_a_hook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person may have a hook for every repository that runs what the repository says, as pre-commit's does."""
    write(tmp_path / "hooks", {"pre-commit*": f"#!/bin/sh\ntouch {tmp_path}/ran\n"})
    make_world(tmp_path, {"a.txt": "one\n"}, {})
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "hooks"))
    monkeypatch.chdir(tmp_path)
    assert call("new made -l --quiet --template template") == 0
    assert git("log", "--format=%s", cwd=tmp_path / "made") == "feat: project from a template"
    assert not (tmp_path / "ran").exists()
    assert not is_trusted(tmp_path / "made")


# --- addresses -------------------------------------------------------------------------------------------------------

SPELLINGS = ("https://git.example.com/team/t.git", "git@git.example.com:team/t.git", "gh:team/t", "/srv/team/t")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_trust_is_of_one_address(spelling: str) -> None:
    remember(spelling)
    assert is_trusted(spelling)
    assert not any(is_trusted(other) for other in SPELLINGS if other != spelling)
    assert not is_trusted(f"{spelling.removesuffix('.git')}2.git")


def test_a_login_is_no_part_of_it() -> None:
    remember("https://user:correct-horse@git.example.com/t.git")
    assert is_trusted("https://git.example.com/t.git")
    assert "correct-horse" not in (Path(os.environ["MLOPS_CONFIG_DIR"]) / "trusted").read_text(encoding="utf-8")


parts = st.sampled_from(["team", "evil", "..", ".", "%2e%2e", "%2E%2e", "t.git", "team2", ""])


@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=st.sampled_from(["git.example.com", "evil.example.com", "user@git.example.com"]), path=st.lists(parts))
@example(host="git.example.com", path=["team", "..", "evil"])
def test_an_address_that_ends_in_a_slash_stands_for_what_is_below_it_alone(
    strangers: Path, host: str, path: list[str]
) -> None:
    strangers.parent.mkdir(exist_ok=True)
    strangers.write_text("# ours\nhttps://git.example.com/team/\n", encoding="utf-8")
    trusted = is_trusted(f"https://{host}/{'/'.join(path)}")
    climbs = any(part.lower() in ("..", "%2e%2e") for part in path)
    assert trusted == (
        host.endswith("git.example.com")
        and "evil" not in host
        and path[:1] == ["team"]
        and len(path) > 1
        and not climbs
    )


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "other").mkdir()
    remember(tmp_path / "trusted")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "good").symlink_to(tmp_path / "trusted")
    assert [is_trusted(tmp_path / name) for name in ("link", "good")] == [False, True]
    assert canonical(str(tmp_path / "good")) == canonical((tmp_path / "trusted").as_uri())


# --- the record of an update -----------------------------------------------------------------------------------------


def planted(world: World, name: str, prefix: str = "") -> journal.Journal:
    """The record of an update that nobody has begun, with a path of the sender's choice."""
    from dataclasses import replace

    found = journal.Journal(replace(open_repository(world.project), prefix=prefix))
    write(found.folder, {f"before/{prefix}{name}": "theirs\n", "prefix": prefix})
    head = git("rev-parse", "HEAD", cwd=world.project)
    text = f'{{"state": "applying", "head": "{head}", "before": {{"{name}": "file x"}}, "after": {{"{name}": null}}}}'
    write(found.folder, {"journal.json": text})
    return found


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", ".git/hooks/pre-commit", "a/../../outside.txt"])
def test_a_record_with_a_path_elsewhere_is_not_followed(name: str, hostile: World, tmp_path: Path) -> None:
    found = planted(hostile, name)
    assert found.state == journal.UNREADABLE
    taking_back.recover(found.repository, asked=True)
    assert not (tmp_path / "outside.txt").exists()
    assert "theirs" not in (hostile.project / ".git/hooks/pre-commit").read_text(encoding="utf-8")


@pytest.mark.parametrize("prefix", ["../", "../home/", ".git/"])
def test_a_record_of_a_folder_elsewhere_is_not_followed(prefix: str, hostile: World) -> None:
    planted(hostile, "a.txt", prefix)
    assert prefix not in journal.unsettled(hostile.project / ".git")


@pytest.mark.parametrize("command", ["check", "doctor", "explain a.txt", "update -l --dry-run"])
def test_a_record_that_came_with_the_repository_is_acted_on_when_that_is_asked_for(
    command: str, hostile: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(hostile, "a.txt")
    before = everything(hostile.project)
    monkeypatch.chdir(hostile.project)
    call(command)
    assert everything(hostile.project) == before
    assert "mlops update --abort" in capsys.readouterr().err
    with pytest.raises(MlopsError, match="was cut off, and it was not begun by you"):
        hostile.update()
    assert call("update --abort") == 0
    assert not list((hostile.project / ".git/mlops").glob("*/journal.json"))


def test_a_record_behind_a_link_is_refused(hostile: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (hostile.project / ".git/mlops").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MlopsError, match="is a symlink"):
        hostile.update()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_update_that_a_person_has_begun_is_taken_back_by_the_next_command(hostile: World) -> None:
    """Trusted or not: what says that it is theirs is not in the repository."""
    hostile.update()
    commit(hostile.project, "updated")
    found = journal.Journal(open_repository(hostile.project))
    assert found.is_ours
    found.clear()
    assert not found.is_ours
