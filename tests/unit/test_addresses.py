"""An address reaches git parsed, behind `--`, and is waited for so long only; copier's spellings all work."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from copier._vcs import get_repo
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.projects.check import check
from mlops_scaffold.sources import source
from mlops_scaffold.sources.address import named_address, recorded_address
from mlops_scaffold.updating import fallback
from mlops_scaffold.vcs.git import git_remote
from mlops_scaffold.vcs.giturl import parse
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git, mlops
from tests.update.world import World, commit, forget_fetches, make_world, write

ANSWERS = ".copier-answers.yml"
SPELLINGS = (
    "gh:owner/name",
    "gh:/owner/name",
    "gh:owner/name.git",
    "gl:group/subgroup/name",
    "gl:owner/name.git",
    "https://github.com/owner/name",
    "https://github.com/Owner/Name.git",
    "https://gitlab.com/group/name",
    "https://git.example.com/owner/name.git",
    "https://git.example.com/group/-/name.git",
    "git+https://git.example.com:8443/name",
    "git+https://user:to%40k%2Fen@git.example.com/name",
    "http://git.example.com/name.git",
    "git@git.example.com:owner/name",
    "git@git.example.com:owner/name.git",
    "me@git.example.com:name.git",
    "host:owner/name.git",
    "git+host:owner/name",
    "git+git@[::1]:name",
    "ssh://git@git.example.com:2222/owner/name.git",
    "git+ssh://git.example.com/~owner/name",
    "git://git.example.com/name",
    "file:///srv/git/a name.git",
    "git+file:///srv/git/name",
    "git+/srv/git/name",
)
HELPERS = ("ext::sh -c touch% ran", "fd::0", "fd::17/x", "EXT::sh", "ext:://x", "x::y", "::x", "transport::address")
HYPHENS = (
    "--upload-pack=touch ran;",
    "-u./touch-ran",
    "ssh://-oProxyCommand=touch% ran/x",
    "ssh://%2doProxyCommand=x/x",
    "ssh://%252doProxyCommand=x/x",
    "ssh://user@-oProxyCommand=x/x",
    "ssh://-user@host/x",
    "-oProxyCommand=x:path",
    "git@-oProxyCommand=x:path",
    "host:-path",
    "https://-x@host/x",
    "git://-x/y",
)
OTHERS = (
    "rsync://host/x",
    "HTTPS://git.example.com/x",
    "git+git+ssh://host/x",
    "ssh://$(touch ran)@host/x",
    "ssh://host;touch ran;/x",
    "ssh://host%0a/x",
    "git://host/x%00",
    "https://host/x\n",
    "file://host/share",
    "file:////host/share",
    "git+relative",
    "git+",
    "https://",
)
REFUSED = [prefix + rest for rest in (*HELPERS, *HYPHENS, *OTHERS) for prefix in ("", "git+")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), {"a.txt": "one\n"}, {"a.txt": "two\n"})


def record(world: World, folder: Path, answer: str, value: str) -> Path:
    """A clone of the project whose answers file was edited."""
    git("clone", "--quiet", str(world.project), str(folder), cwd=world.folder)
    lines = (folder / ANSWERS).read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{answer}:")]
    (folder / ANSWERS).write_text("\n".join([*kept, f"{answer}: {value!r}", ""]))
    commit(folder, "edited")
    return folder


# --- spellings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", SPELLINGS)
def test_an_address_means_what_it_means_to_copier(address: str) -> None:
    assert parse(address).text == get_repo(address)


@pytest.mark.parametrize("address", SPELLINGS)
def test_a_project_that_records_an_address_as_copier_takes_it_is_checked_and_updated(
    address: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the address leads is this machine's template, by the user's own git configuration."""
    there = {"KEY": f"url.{world.template.as_uri()}.insteadOf", "VALUE": parse(address).text}
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    for name, value in there.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}_0", value)
    project = record(world, tmp_path / "project", "_src_path", address)
    forget_fetches()
    found = check(open_project(project), open_repository(project))
    assert (found.version, found.newest, found.behind) == ("v1.0.0", "v2.0.0", True)
    assert world.update(project).newer == "v2.0.0"
    assert (project / "a.txt").read_text() == "two\n"
    assert address in (project / ANSWERS).read_text()


@pytest.mark.parametrize("form", ["{0}", "{0}/.git", "file://{0}", "file://{0}/.git", "git+file://{0}", "git+{0}"])
def test_a_path_may_be_recorded_in_every_form(form: str, world: World, tmp_path: Path) -> None:
    project = record(world, tmp_path / "project", "_src_path", form.format(world.template))
    assert world.update(project).newer == "v2.0.0"


def test_a_folder_of_the_project_is_never_taken_for_a_recorded_url(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "--quiet", "--bare", str(world.template), "gh:owner/name", cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert recorded_address("gh:owner/name").fetched == parse("https://github.com/owner/name.git")


def test_offline_asks_no_forge_for_a_short_address() -> None:
    forget_fetches()
    with pytest.raises(MlopsError, match="Run once without --offline"):
        source.open_version(named_address("gh:owner/not-fetched"), None, offline=True)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started. Nothing runs: all of them fail, and there are no refs."""
    commands: list[list[str]] = []

    class Failing:
        pid = 0

        def __init__(self, command: list[str], **_: Any) -> None:
            commands.append(list(command))
            self.returncode = 0 if "for-each-ref" in command else 128

        def __enter__(self) -> "Failing":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def communicate(self, *_: object, **more: Any) -> tuple[Any, Any]:
            return ("", "") if more else (b"", b"")

        def poll(self) -> int:
            return self.returncode

    monkeypatch.setattr(subprocess, "Popen", Failing)
    return commands


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_would_run_something_starts_nothing(address: str, started: list[list[str]]) -> None:
    for parsed in (named_address, recorded_address):
        with pytest.raises(MlopsError) as refused:
            parsed(address)
        assert refused.value.next_step
    assert started == []


PIECES = """git+ gh: ext:: fd:: ssh:// https:// file:// git@ host : / - -- %2d %252D --upload-pack=x -oProxyCommand=x
@ .. .git ~ \\ :: %0a C: [::1]"""
pieces = st.sampled_from([*PIECES.split(), "\n", "\0", " "])
mixed = st.lists(pieces | st.text(max_size=3), min_size=1, max_size=6).map("".join)
edited = st.builds(
    lambda address, at, piece: address[:at] + piece + address[at:],
    *(st.sampled_from(SPELLINGS), st.integers(0, 40), pieces | st.just("")),
)
addresses = mixed | edited


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, deadline=None)
@given(address=addresses)
@example(address="git+--upload-pack=touch X;")
@example(address="https://git.example.com/x.git")
def test_whatever_is_recorded_git_alone_is_started_and_gets_it_behind_two_hyphens(
    address: str, started: list[list[str]], tmp_path: Path
) -> None:
    for parsed in (named_address, recorded_address):
        started.clear()
        forget_fetches()
        try:
            found = parsed(address)
        except MlopsError:
            assert started == []
            continue
        with pytest.raises(MlopsError, match="cannot be reached"):
            source.refresh(tmp_path, found, offline=False)
        assert [command[0] for command in started] == ["git"] * 3  # fetch, what is known, ls-remote
        for command in (started[0], started[2]):
            url = command[command.index("--") + 1]
            assert url == found.fetched.text
            assert not url.startswith("-")
            assert "::" not in url.partition("/")[0].partition("[")[0]


EVERY = ("check", "diff", "explain a.txt", "doctor", "update -l", "update -l --engine copier")


@pytest.mark.parametrize(
    ("command", "address"),
    [
        *((command, "git+--upload-pack=touch ran;") for command in EVERY),
        ("check", "git+ext::sh -c touch% ran"),
        ("check", "git+fd::0"),
    ],
)
def test_a_cloned_project_runs_nothing(command: str, address: str, world: World, tmp_path: Path) -> None:
    project = record(world, tmp_path / "project", "_src_path", address)
    done = mlops(*command.split(), cwd=project)
    assert done.returncode == (2 if command == "doctor" else 1)
    assert "Traceback" not in done.stderr
    assert "The project's template cannot be used" in done.stderr + done.stdout
    assert not list(tmp_path.rglob("ran*"))
    assert git("status", "--porcelain", cwd=project) == ""


@pytest.mark.parametrize(
    "address", ["git+--upload-pack=touch ran;", "--upload-pack=touch ran;", "ext::sh -c touch% ran"]
)
def test_a_template_that_was_named_runs_nothing(address: str, tmp_path: Path) -> None:
    done = mlops("new", "made", "-l", "--no-setup", f"--template={address}", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# --- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["--output=ran", "-x", "--all", "HEAD\n--all", "a\0b"])
def test_a_version_is_no_option(ref: str, world: World, tmp_path: Path) -> None:
    project = record(world, tmp_path / "project", "_commit", "v1.0.0")
    for more in ({"ref": ref}, {"ref": ref, "engine": "copier"}):
        with pytest.raises(MlopsError, match="is no version of a template"):
            world.update(project, **more)
    answers = (project / ANSWERS).read_text().replace("v1.0.0", ref.replace("\n", "\\n").replace("\0", "\\0"))
    (project / ANSWERS).write_text(answers.replace("'", '"'))
    commit(project, "edited")
    with pytest.raises(MlopsError, match="is no version of a template"):
        world.update(project)


def test_a_tag_that_looks_like_an_option_is_never_recorded(tmp_path: Path) -> None:
    template = tmp_path / "template"
    write(template, {"copier.yml": "name: demo\n", "a.txt": "a\n"})
    git("init", "--quiet", cwd=template)
    commit(template)
    git("update-ref", "refs/tags/--output=ran", "HEAD", cwd=template)
    with pytest.raises(MlopsError, match="is no version of a template"):
        source.open_version(named_address(str(template)), None)


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/template"


def test_a_server_that_says_nothing_is_waited_for_so_long_only(
    silent: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_GIT_TIMEOUT", "0.2")
    project = record(world, tmp_path / "project", "_src_path", silent)
    with pytest.raises(MlopsError, match=r"did not end within 0\.2 seconds.*MLOPS_GIT_TIMEOUT"):
        world.update(project)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_is_a_number_of_seconds(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_GIT_TIMEOUT", value)
    with pytest.raises(MlopsError, match="MLOPS_GIT_TIMEOUT"):
        git_remote("ls-remote", url=parse("/nowhere"), cwd=tmp_path)


def test_copiers_own_update_is_waited_for_so_long_only(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = record(world, tmp_path / "project", "_commit", "v1.0.0")
    world.update(project, dry_run=True)  # now the template is in the cache, however short the limit
    monkeypatch.setenv("MLOPS_GIT_TIMEOUT", "0.2")
    monkeypatch.setattr(fallback, "COPIER", ("sh", "-c", "sleep 600"))
    with pytest.raises(MlopsError, match=r"copier's update did not end within 0\.2 seconds"):
        world.update(project, engine="copier")


# --- copier's own engine ---------------------------------------------------------------------------------------------


def test_a_module_of_the_project_is_not_taken_for_one_of_copiers(world: World, tmp_path: Path) -> None:
    project = record(world, tmp_path / "project", "_commit", "v1.0.0")
    code = "open('ran', 'w')\n"
    write(project, dict.fromkeys(("copier.py", "yaml.py", "mlops_scaffold/__init__.py", "plumbum.py"), code))
    commit(project, "modules")
    script = Path(sys.executable).with_name("mlops")  # as it is installed: `python -m` would look there first itself
    done = subprocess.run(
        [script, "update", "-l", "--engine", "copier"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (project / "a.txt").read_text() == "two\n"
    assert not (project / "ran").exists()


@pytest.mark.parametrize("url", ["ext::sh -c touch% ran", "fd::0", "--upload-pack=x", "/etc", "file:///srv/git/x"])
def test_a_submodule_is_held_to_the_same_rules(url: str, tmp_path: Path) -> None:
    modules = f'[submodule "x"]\n\tpath = x\n\turl = "{url}"\n'
    world = make_world(tmp_path, {"a.txt": "one\n"}, {"a.txt": "two\n", ".gitmodules": modules})
    with pytest.raises(MlopsError, match=r"is on this machine|git repository|hyphen"):
        world.update(engine="copier")
    assert world.status() == ""
