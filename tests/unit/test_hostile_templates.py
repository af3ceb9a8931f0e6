"""Templates that read the machine, never end, or grow without bounds: refused in one sentence, whoever renders them."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mlops_scaffold.creating.new import Request, plan
from mlops_scaffold.ground.errors import MlopsError, Untrusted, masked, shown
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import load_yaml, read_mapping
from mlops_scaffold.sources import source
from mlops_scaffold.sources.address import checkout_address, named_address
from mlops_scaffold.vcs.giturl import parse, without_login

from tests.conftest import git, mlops
from tests.update.world import ANSWERS, Files, commit, forget_fetches, make_world, write

pytestmark = pytest.mark.usefixtures("strangers")
SECRET = "correct-horse"
COPIERS = "_secret_questions: []\n"  # a template that copier has to render, and not we


def made(folder: Path, files: Files, questions: str = "name: demo\n", **more: object) -> object:
    """The plan of a project of a small template."""
    write(folder / "template", {"copier.yml": questions, **ANSWERS, **files})
    git("init", "--quiet", cwd=folder / "template")
    commit(folder / "template")
    forget_fetches()
    request = Request(folder / "made", str(folder / "template"), defaults=True, **more)  # type: ignore[arg-type]
    return plan(request, Report(quiet=True))


# --- reading the machine ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", ["", COPIERS])
@pytest.mark.parametrize("link", ["{folder}/secret", "../secret"])
def test_a_symlink_beside_the_subdirectory_reads_nothing_of_this_machine(
    link: str, config: str, tmp_path: Path
) -> None:
    write(tmp_path, {"secret": SECRET})
    files = {"link": f"-> {link.format(folder=tmp_path)}", "sub/a.txt.jinja": "{% include 'link' %}"}
    files |= {f"sub/{name}": text for name, text in ANSWERS.items()}
    with pytest.raises(MlopsError, match=r"outside|is forbidden|not found"):
        made(tmp_path, files, f"name: demo\n_subdirectory: sub\n{config}")


def test_a_config_that_is_a_symlink_to_elsewhere_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"own.yml": f"name: {SECRET}\n"})
    with pytest.raises(MlopsError, match="reads outside of itself"):
        made(tmp_path, {"copier.yml": f"-> {tmp_path}/own.yml"}, "")


READS = {
    "expandvars": "{{ '$MLOPS_SECRET' | expandvars }}",
    "expanduser": "{{ '~' | expanduser }}",
    "fileglob": "{{ '/etc/*' | fileglob }}",
    "realpath": "{{ '/proc/self' | realpath }}",
}


@pytest.mark.parametrize("config", ["", COPIERS])
@pytest.mark.parametrize("name", READS)
def test_a_filter_that_reads_this_machine_wants_trust(
    name: str, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_SECRET", SECRET)
    with pytest.raises(Untrusted, match=rf"reads this machine, by its filter {name}.*--trust"):
        made(tmp_path, {"a.txt.jinja": READS[name]}, f"name: demo\n{config}")
    found = made(tmp_path, {"a.txt.jinja": READS[name]}, f"name: demo\n{config}", trust=True)
    assert "{{" not in str(found)
    # What copier's sandbox refuses, ours leaves to it.


@pytest.mark.parametrize("name", READS)
def test_nor_may_a_default_or_a_files_name(name: str, tmp_path: Path) -> None:
    quoted = READS[name].replace("'", "''")
    with pytest.raises(Untrusted, match="reads this machine"):
        made(tmp_path, {}, f"name: '{quoted}'\n")
    with pytest.raises(Untrusted, match="reads this machine"):
        made(tmp_path, {READS[name].replace("/", "-"): "a"}, "name: demo\n_templates_suffix: ''\n")


# --- without an end --------------------------------------------------------------------------------------------------

LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("config", ["", COPIERS])
@pytest.mark.parametrize("where", ["a.txt.jinja", "copier.yml"])
def test_a_loop_without_an_end_is_ended(
    where: str, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_RENDER_TIMEOUT", "0.3")
    files: Files = {where: LOOP} if where != "copier.yml" else {}
    with pytest.raises(MlopsError, match=r"does not render within 0\.3 seconds.*MLOPS_RENDER_TIMEOUT"):
        made(tmp_path, files, ("name: demo\n" if files else f"name: '{LOOP}'\n") + config)


@pytest.mark.parametrize("config", ["", COPIERS])
def test_a_text_without_an_end_is_refused(config: str, tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match="2 GB of memory"):
        made(tmp_path, {"a.txt.jinja": "{{ ('x' * 10**10) | length }}"}, f"name: demo\n{config}")


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_the_limit_is_a_number_of_seconds(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_RENDER_TIMEOUT", value)
    with pytest.raises(MlopsError, match="MLOPS_RENDER_TIMEOUT"):
        made(tmp_path, {})


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("text", [BOMB, "a: &a [*a]\n", "a: &a {b: *a}\n"])
def test_aliases_that_multiply_are_no_answers(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"answers.yml": text})
    with pytest.raises(MlopsError, match="is no YAML"):
        read_mapping(tmp_path / "answers.yml")


NUMBERS = {
    "base 60": "1" + ":1" * 1_000_000,
    "a fraction of base 60": "1" + ":1" * 300 + ".5",
    "base 16": "0x" + "f" * 10_000,
    "base 10": "1" * 5_000,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_without_an_end_is_no_answer(name: str, tmp_path: Path) -> None:
    number = NUMBERS[name]
    write(tmp_path, {"answers.yml": f"name: {number}\n"})
    with pytest.raises(MlopsError, match="looks like a date, a number or a truth, and is none"):
        read_mapping(tmp_path / "answers.yml")
    with pytest.raises(MlopsError, match=r"copier\.yml cannot be read: a number without an end"):
        made(tmp_path, {}, f"name: {number}\n")


def test_honest_aliases_are_read() -> None:
    assert load_yaml("a: &a {b: 1}\nc: *a\nd: {<<: *a, e: 2}\n") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


def test_a_file_of_answers_has_a_size(tmp_path: Path) -> None:
    write(tmp_path, {"answers.yml": "a: 1\n" * 1_000_000})
    with pytest.raises(MlopsError, match="is larger than 4 MB"):
        read_mapping(tmp_path / "answers.yml")


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tampered", ["another file", "another content", "a content that its index knows", "one less"])
def test_a_cache_that_somebody_changed_is_laid_out_again(tampered: str, tmp_path: Path) -> None:
    write(tmp_path / "template", {"copier.yml": "name: demo\n", "a.txt": "a\n"})
    git("init", "--quiet", cwd=tmp_path / "template")
    commit(tmp_path / "template")
    at = named_address(str(tmp_path / "template"))
    found = source.open_version(at, None)
    before = {path.name: path.read_text(encoding="utf-8") for path in found.folder.iterdir()}
    changes: dict[str, Files] = {"another file": {"b.txt": "b\n"}, "one less": {"a.txt": None}}
    write(found.folder, changes.get(tampered, {"a.txt": "b\n"}))
    if tampered.endswith("knows"):
        index = found.folder.parents[1] / "indexes" / found.commit
        where = (f"--git-dir={source.mirror_path(at)}", f"--work-tree={found.folder}")
        env = {**os.environ, "GIT_INDEX_FILE": str(index)}
        import subprocess

        subprocess.run(["git", *where, "add", "a.txt"], cwd=found.folder, env=env, check=True)
    forget_fetches()
    again = source.open_version(at, None)
    assert {path.name: path.read_text(encoding="utf-8") for path in again.folder.iterdir()} == before


# --- logins ----------------------------------------------------------------------------------------------------------

secrets = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=4).map(
    lambda text: f"S3{text}S3"
)


@settings(derandomize=True, deadline=None)
@given(user=st.sampled_from(["", "user:", "oauth2:", "x-access-token:"]), secret=secrets)
def test_no_message_has_the_login_of_an_address(user: str, secret: str) -> None:
    address = f"https://{user}{secret}@git.example.com/team/t.git"
    for text in (f"The template {address} cannot be reached.", f"fatal: unable to access '{address}/': no", address):
        assert secret not in masked(text)
    if set("/?#") & set(secret):  # then it is no login, but a host and a path
        return
    try:
        found = named_address(address)
    except MlopsError as refused:
        message = str(refused)
    else:
        message = found.recorded + found.notice
        assert found.is_remote
    assert secret not in message


@pytest.mark.parametrize("prefix", ["", "git+"])
def test_no_answers_file_has_it(prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the address leads is this machine's template, by the user's own git configuration."""
    write(tmp_path / "template", {"copier.yml": "name: demo\n", **ANSWERS})
    git("init", "--quiet", cwd=tmp_path / "template")
    commit(tmp_path / "template")
    address = f"https://user:{SECRET}@git.example.com/t.git"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{(tmp_path / 'template').as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", address)
    forget_fetches()
    found = plan(Request(tmp_path / "made", prefix + address, defaults=True), Report(quiet=True))
    text = "".join(entry.content.decode() for entry in found.tree.files.values())
    assert "https://git.example.com/t.git" in text
    assert SECRET not in text
    assert "not recorded" in " ".join(found.version.notices)


def test_nor_is_that_of_the_checkout_that_mlops_runs_from(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    git("remote", "add", "origin", f"https://user:{SECRET}@git.example.com/t.git", cwd=tmp_path)
    assert checkout_address(tmp_path).recorded == "https://git.example.com/t.git"


def test_a_user_of_ssh_is_no_login() -> None:
    for address in ("git@git.example.com:team/t.git", "ssh://git@git.example.com/t.git"):
        assert without_login(address) == masked(address) == parse(address).text == address


def test_yaml_is_still_yaml() -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml("a: [")


# --- the terminal ----------------------------------------------------------------------------------------------------

STEERS = "\x1b]0;title\x07\x1b[31m\x9b1m\u202e.txt"


def test_the_name_of_a_file_does_not_steer_the_terminal(tmp_path: Path) -> None:
    world = make_world(tmp_path, {STEERS: "one\n"}, {STEERS: "two\n"})
    world.edit({STEERS: "mine\n"})
    (tmp_path / "fleet.yml").write_text("projects: [project]\n", encoding="utf-8")
    commands = (["check"], ["update", "--dry-run"], ["explain", STEERS], ["update"], ["check"], ["update", "--abort"])
    told = [mlops(*command, cwd=world.project) for command in commands]
    told += [mlops("fleet", *command, cwd=tmp_path) for command in (["update", "--dry-run"], ["report"])]
    said = "".join(one.stdout + one.stderr for one in told)
    assert not set(said) & set("\x1b\x07\x9b\u202e")
    assert said.count("\\u001b]0;title\\u0007") >= 5


def test_honest_text_is_shown_as_it_is() -> None:
    text = "a\tb\r\n✓ ü 漢字 😀 C:\\x\n"
    assert shown(text) == text
    assert shown("a\rb\udcff") == "a\\u000db\\udcff"
