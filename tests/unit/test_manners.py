"""The command line's manners: completion, suggestions for what is mistyped, and output that a machine can read."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from mlops_scaffold.cli import app

from tests.conftest import git, mlops

SHELLS = ("bash", "zsh", "fish")
ESCAPE = "\033"
BIN = Path(sys.executable).parent
BASH = """
source <(mlops --show-completion)
COMP_WORDS=(mlops "$@")
COMP_CWORD=$#
_mlops_completion mlops
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was only written, in git."""
    folder = tmp_path_factory.mktemp("manners") / "churn"
    made = mlops("new", str(folder), "-l", "--no-setup", "--template", str(template), cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "project", cwd=folder)
    return folder


def needs(shell: str) -> str:
    """The path of a shell, or a reason to skip."""
    found = shutil.which(shell)
    if not found:
        pytest.skip(f"{shell} is not installed")
    return found


def environment(**more: str) -> dict[str, str]:
    """The environment of a terminal in which `mlops` is found."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}


def in_bash(*words: str, cwd: Path, **env: str) -> list[str]:
    """What bash proposes for the last word."""
    command = ["bash", "--norc", "-c", BASH, "bash", *words]
    done = subprocess.run(command, cwd=cwd, env=environment(**env), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def proposed(shell: str, line: str, cwd: Path) -> str:
    """What the program answers to a shell that asks for the end of a line."""
    asked = {"_MLOPS_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    env = environment(**asked, _TYPER_COMPLETE_FISH_ACTION="get-args")
    done = subprocess.run([BIN / "mlops"], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_bash_proposes_the_components_that_a_project_has_not(project: Path, tmp_path: Path, template: Path) -> None:
    found = in_bash("add", "", cwd=project)
    assert {"gitlab", "lightgbm", "seldon"} <= set(found)
    assert not {"github", "sklearn", "fastapi"} & set(found)
    assert in_bash("add", "gitl", cwd=project) == ["gitlab"]
    assert {"github", "gitlab"} <= set(in_bash("add", "git", cwd=tmp_path, MLOPS_TEMPLATE=str(template)))


def test_bash_proposes_the_components_that_can_go(project: Path) -> None:
    found = in_bash("remove", "", cwd=project)
    assert {"github", "monitoring"} <= set(found)
    assert "sklearn" not in found, "a project has one framework"
    assert "fastapi" not in found, "monitoring needs it"


def test_bash_proposes_presets_questions_checks_and_files(project: Path, template: Path) -> None:
    new = ("new", "x", "--template", str(template))
    assert in_bash(*new, "--preset", "", cwd=project) == ["minimal", "production", "standard"]
    assert in_bash(*new, "--data", "serv", cwd=project) == ["serving="]
    assert {"git-version", "hooks", "contract"} <= set(in_bash("doctor", "--only", "", cwd=project))
    assert in_bash("explain", "dvc", cwd=project) == ["dvc.yaml"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_too(project: Path, shell: str) -> None:
    assert "gitlab" in proposed(shell, "mlops add gitl", project)
    assert "github" not in proposed(shell, "mlops add ", project)
    assert "monitoring" in proposed(shell, "mlops remove ", project)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_is_to_be_sourced_is_understood(shell: str, tmp_path: Path) -> None:
    needs(shell)
    script = tmp_path / "completion"
    asked = environment(_MLOPS_COMPLETE=f"source_{shell}")
    done = subprocess.run([BIN / "mlops"], env=asked, capture_output=True, text=True, check=True)
    assert "mlops" in done.stdout
    script.write_text(done.stdout)
    subprocess.run([shell, "-n", str(script)], check=True, capture_output=True)


def test_fish_itself_completes(project: Path, tmp_path: Path) -> None:
    fish = needs("fish")
    line = "env _MLOPS_COMPLETE=source_fish mlops | source; complete --do-complete 'mlops add gitl'"
    env = environment(HOME=str(tmp_path))
    done = subprocess.run([fish, "--no-config", "-c", line], cwd=project, env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["gitlab"], done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_installed_into_the_home(shell: str, tmp_path: Path) -> None:
    env = environment(HOME=str(tmp_path), ZDOTDIR=str(tmp_path))
    env.pop("XDG_CONFIG_HOME", None)
    command = [needs(shell), "-c", "mlops --install-completion; true"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
    assert f"{shell} completion installed" in done.stdout, done.stderr
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file() and "mlops" in path.name]
    assert any("_MLOPS_COMPLETE" in text for text in written)


@pytest.mark.parametrize("template", ["https://nowhere.invalid/template.git", "no/such/folder"])
def test_without_a_template_nothing_is_proposed_and_nothing_said(template: str, tmp_path: Path) -> None:
    assert in_bash("add", "", cwd=tmp_path, MLOPS_TEMPLATE=template) == []
    assert in_bash("new", "x", "--preset", "", cwd=tmp_path, MLOPS_TEMPLATE=template) == []


def test_in_a_broken_project_nothing_is_proposed_and_nothing_said(tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").write_text("[: no yaml")
    for words in (["add", ""], ["remove", ""], ["doctor", "--only", ""], ["explain", ""]):
        assert in_bash(*words, cwd=tmp_path) == []


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        (["ad", "seldon"], "add"),
        (["new", "x", "--presett", "minimal"], "--preset"),
        (["add", "gitlap"], "There are: gitlab"),
        (["remove", "monitorin"], "There are: monitoring"),
        (["new", "x", "-l", "--template", "TEMPLATE", "--preset", "standrd"], "There are: standard"),
        (["new", "x", "-l", "--template", "TEMPLATE", "--data", "servng=fastapi"], "There are: serving"),
        (["new", "x", "-l", "--template", "TEMPLATE", "--data", "serving=fastap"], "There are: fastapi"),
    ],
)
def test_what_is_mistyped_is_answered_by_the_nearest(
    project: Path, template: Path, typed: list[str], suggested: str
) -> None:
    words = [str(template) if word == "TEMPLATE" else word for word in typed]
    said = mlops(*words, cwd=project)
    assert said.returncode in (1, 64)
    assert suggested in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    "words", [["doctor", "--only", "git-version"], ["components"], ["explain", "dvc.yaml"], ["ad"]]
)
def test_a_pipe_gets_no_escape_codes(project: Path, words: list[str]) -> None:
    said = mlops(*words, cwd=project)
    assert said.stdout + said.stderr
    assert ESCAPE not in said.stdout + said.stderr


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colour_unless_it_wants_none(project: Path, no_color: str, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mlops_scaffold", "doctor", "--only", "git-version"]
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color}
    subprocess.run(command, cwd=project, env=env, stdout=theirs, stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert "nothing found" in said
    assert (ESCAPE in said) is coloured


# Each command as it succeeds: but for `setup`, which installs all that a project needs.
SUCCEEDING = {
    "new": ["another", "-l", "--no-setup", "--template", "TEMPLATE"],
    "update": ["--defaults"],
    "check": [],
    "diff": [],
    "add": ["gitlab"],  # which takes the place of another
    "remove": ["monitoring"],
    "explain": ["dvc.yaml"],
    "doctor": ["--only", "git-version"],
    "components": ["--template", "TEMPLATE"],
    "presets": ["--template", "TEMPLATE"],
    "mergetool": ["params.yaml", "params.yaml", "params.yaml"],
}


def test_every_command_can_be_quiet_and_can_speak_json() -> None:
    group: Any = typer.main.get_command(app)
    groups = {"fleet", "layer"}
    assert set(group.commands) == {*SUCCEEDING, "adopt", "setup", *groups}  # adopt: tests/adopt
    inside = [item for name in groups for item in group.commands[name].commands.items()]
    for name, command in [*group.commands.items(), *inside]:
        if name in groups:
            continue
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--quiet", "--json"} <= options, name


@pytest.mark.parametrize("command", SUCCEEDING)
def test_quiet_says_nothing_and_json_is_one_document(
    command: str, project: Path, template: Path, tmp_path: Path
) -> None:
    words = [command, *(str(template) if word == "TEMPLATE" else word for word in SUCCEEDING[command])]
    done = {}
    for option in ("--quiet", "--json"):
        shutil.copytree(project, tmp_path / option)
        done[option] = mlops(*words, option, cwd=tmp_path / option)
        assert done[option].returncode == 0, done[option].stderr
        assert done[option].stderr == ""
    assert done["--quiet"].stdout == ""
    assert json.loads(done["--json"].stdout)
    assert tree(tmp_path / "--quiet") == tree(tmp_path / "--json"), "what is said changes nothing of what is done"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but git's."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if not name.startswith(".git/")}


def test_what_is_wrong_is_said_by_the_quiet_too(project: Path) -> None:
    wrong = mlops("explain", "no/such/file", "--quiet", cwd=project)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("mlops: ")


def test_a_quiet_diff_answers_by_its_exit_code(project: Path, tmp_path: Path) -> None:
    changed = tmp_path / "churn"
    shutil.copytree(project, changed)
    (changed / "dvc.yaml").write_text("stages: {}\n")
    quiet = mlops("diff", "--quiet", cwd=changed)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (2, "", "")
    assert "+stages: {}" in json.loads(mlops("diff", "--json", cwd=changed).stdout)["diff"]


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "mlops_scaffold", "--help"]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines()}
    assert "typer" in names
    assert not names & {"copier", "pydantic", "rich", "yaml", "jinja2"}
