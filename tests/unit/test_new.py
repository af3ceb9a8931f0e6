"""`mlops new`, as its user sees it: what is made, and one sentence for everything that is wrong."""

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git, mlops


def files(folder: Path) -> list[str]:
    """All files of a folder, by their relative paths."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_a_project_equals_what_plain_copier_makes(template: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours" / "churn", tmp_path / "theirs" / "churn"
    for destination in (ours, theirs):
        destination.parent.mkdir()
    assert (
        mlops("new", str(ours), "--defaults", "--no-setup", "--template", str(template), cwd=tmp_path).returncode == 0
    )
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", str(template), str(theirs)]
    subprocess.run(command, check=True, capture_output=True)
    assert files(ours) == files(theirs)
    different = filecmp.cmpfiles(ours, theirs, files(ours), shallow=False)
    assert different[1:] == ([], [])
    for name in files(ours):
        assert (ours / name).stat().st_mode == (theirs / name).stat().st_mode, name


def test_the_standard_preset_is_what_the_questions_propose(template: Path, tmp_path: Path) -> None:
    for name, preset in (("a", ["--preset", "standard"]), ("b", [])):
        (tmp_path / name).mkdir()
        made = mlops("new", f"{name}/churn", "-l", "--no-setup", "--template", str(template), *preset, cwd=tmp_path)
        assert made.returncode == 0, made.stderr
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", files(tmp_path / "a"), shallow=False)[1:] == ([], [])


def test_in_a_larger_repository_it_is_said_where_the_commits_go(template: Path, tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    command = ("new", "churn", "-l", "--no-setup", "--template", str(template))
    within = mlops(*command, cwd=tmp_path)
    assert f"churn is inside the Git repository {tmp_path}: its commits go there" in within.stderr
    assert "CI systems read CI files only at the root of a repository, not in churn" in within.stderr


def test_a_dry_run_lists_the_files_and_writes_nothing(template: Path, tmp_path: Path) -> None:
    shown = mlops("new", "churn", "--defaults", "--dry-run", "--json", "--template", str(template), cwd=tmp_path)
    assert "dvc.yaml" in json.loads(shown.stdout)["files"]
    assert list(tmp_path.iterdir()) == []


def test_the_library_is_not_counted_as_files_to_read(template: Path, tmp_path: Path) -> None:
    done = mlops("new", "churn", "--defaults", "--no-setup", "--template", str(template), cwd=tmp_path)
    files = [path for path in (tmp_path / "churn").rglob("*") if path.is_file()]
    own = [path for path in files if "kit" not in path.relative_to(tmp_path / "churn").parts]
    assert 20 < len(own) < len(files)
    assert f"{len(own)} files in {tmp_path}/churn, and the library in kit/" in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["with a space", "прогноз", "Ünï-çode"])
def test_any_folder_name_will_do(template: Path, tmp_path: Path, name: str) -> None:
    made = mlops("new", name, "--defaults", "--no-setup", "--template", str(template), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / name / "dvc.yaml").is_file()


@pytest.mark.long
def test_eight_at_once_all_succeed(template: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlops_scaffold", "new", "-l", "--no-setup", "--template", str(template)]
    env = {**os.environ, "MLOPS_CACHE_DIR": str(tmp_path / "cold cache")}
    running = [
        subprocess.Popen([*command, str(tmp_path / f"p{n}")], env=env, stderr=subprocess.DEVNULL) for n in range(8)
    ]
    assert [process.wait() for process in running] == [0] * 8
    assert all((tmp_path / f"p{n}" / "pyproject.toml").is_file() for n in range(8))


def test_a_cached_template_does_without_its_source(template: Path, tmp_path: Path) -> None:
    url = f"file://{template}"
    first = mlops("new", "a", "-l", "--no-setup", "--template", url, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    away = template.with_name("away.git")
    template.rename(away)
    try:
        again = mlops("new", "b", "-l", "--no-setup", "--template", url, cwd=tmp_path)
        offline = mlops("new", "c", "-l", "--no-setup", "--offline", "--template", url, cwd=tmp_path)
        cold = mlops("new", "d", "-l", "--no-setup", "--template", "file:///nowhere.git", cwd=tmp_path)
    finally:
        away.rename(template)
    assert again.returncode == 0
    assert "the cached template is used" in again.stderr
    assert offline.returncode == 0
    assert cold.returncode == 1
    assert "cannot be reached" in cold.stderr


def test_company_defaults_come_before_the_templates(template: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "settings.yml").write_text(f"template: {template}\ndefaults:\n  framework: lightgbm\n")
    made = mlops("new", "churn", "-l", "--no-setup", cwd=tmp_path, MLOPS_CONFIG_DIR=str(config))
    assert made.returncode == 0, made.stderr
    assert "lightgbm" in (tmp_path / "churn/pyproject.toml").read_text()


SETTINGS = {
    "template: 5": "a template that is no text",
    "template: [a, b]": "a template that is no text",
    "1: a\nfoo: b": "has the key 1",
    "defaults: {1: a}": "has the key 1",
    "defaults: [a]": "defaults that are no mapping",
    "defaults:": "defaults that are no mapping",
    "foo: b\nbar: c": "unknown setting 'bar'",
}


@pytest.mark.parametrize(("text", "sentence"), SETTINGS.items())
def test_settings_that_cannot_be_understood_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "settings.yml").write_text(text)
    done = mlops("new", "churn", "-l", "--no-setup", cwd=tmp_path, MLOPS_CONFIG_DIR=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert sentence in done.stderr
    assert str(tmp_path / "settings.yml") in done.stderr


def test_a_project_inside_another_repository_leaves_that_alone(template: Path, tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    before = git("status", "--porcelain", "--ignored", cwd=tmp_path)
    assert mlops("new", "churn", "-l", "--no-setup", "--template", str(template), cwd=tmp_path).returncode == 0
    assert before == ""
    assert git("status", "--porcelain", cwd=tmp_path) == "?? churn/"


BAD = {
    "an unknown preset": (["--preset", "standart"], "There are: standard"),
    "an unknown key": (["--data", "frameworc=sklearn"], "framework"),
    "a hidden key": (["--data", "components={}"], "no question 'components'"),
    "an unknown value": (["--data", "framework=sklern"], "There are: sklearn"),
    "a combination that cannot be": (
        ["--data", "serving=none", "--data", "extras=[container]"],
        "container needs fastapi",
    ),
    "no key and value": (["--data", "framework"], "is not KEY=VALUE"),
    "a name that is no name": (["--data", "project_name=9 lives"], "is no project name"),
    "a name of a standard module": (["--data", "project_name=json"], "would shadow"),
    "a name of a used module": (["--data", "package_name=pandas"], "would shadow"),
    "an answers file that is missing": (["--data-file", "nothing.yml"], "cannot be read"),
    "an answers file that is no YAML": (["--data-file", "broken.yml"], "is no YAML"),
    "an answers file with a day that is none": (["--data-file", "day.yml"], "Put it into quotes"),
    "an answers file with a truth that is none": (["--data-file", "truth.yml"], "Put it into quotes"),
    "an answers file with a number for a key": (["--data-file", "number.yml"], "has the key 1"),
    "an answers file with a truth for a key": (["--data-file", "on.yml"], "has the key True"),
    "a data file that is missing": (["--dataset", "nothing.csv", "--target", "y"], "There is no file nothing.csv"),
    "a target without data": (["--target", "y"], "--target needs --dataset"),
    "no data for git": (["--data-in-git"], "--data-in-git needs --dataset"),
    "answers beside the project": (["--answers-file", "../answers.yml"], "outside of the project"),
    "answers at an absolute path": (["--answers-file", "/tmp/answers.yml"], "outside of the project"),
    "a version that does not exist": (["--vcs-ref", "v9"], "no version 'v9'"),
    "no template": (["--template", "/nowhere"], "There is no template at /nowhere"),
}

ANSWERS_FILES = {
    "broken.yml": "a: [",
    "day.yml": "description: 2024-13-45",
    "truth.yml": "description: !!bool maybe",
    "number.yml": "1: x",
    "on.yml": "on: push",
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    template: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    for name, text in ANSWERS_FILES.items():
        (tmp_path / name).write_text(text)
    before = files(tmp_path)
    source = [] if "--template" in arguments else ["--template", str(template)]
    done = mlops("new", "churn", "--defaults", "--no-setup", *source, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert files(tmp_path) == before
    assert not (tmp_path / "churn").exists()


def test_a_project_that_is_there_already_goes_on_with_setup(template: Path, tmp_path: Path) -> None:
    arguments = ("new", "churn", "--defaults", "--no-setup", "--template", str(template))
    assert mlops(*arguments, cwd=tmp_path).returncode == 0
    before = files(tmp_path)
    again = mlops(*arguments, cwd=tmp_path)
    assert again.returncode == 1
    assert "Go on with its set-up: mlops setup churn" in again.stderr
    assert files(tmp_path) == before


def test_a_destination_that_is_in_use_is_refused(template: Path, tmp_path: Path) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn/mine.txt").write_text("mine")
    done = mlops("new", "churn", "--defaults", "--template", str(template), cwd=tmp_path)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert files(tmp_path) == ["churn/mine.txt"]


def test_without_an_identity_nothing_is_begun(template: Path, tmp_path: Path) -> None:
    env = {"GIT_CONFIG_GLOBAL": os.devnull, "EMAIL": "", "HOME": str(tmp_path)}
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n  useConfigOnly = true\n")
    done = mlops(
        "new", "churn", "-l", "--template", str(template), cwd=tmp_path, **{**env, "GIT_CONFIG_GLOBAL": str(config)}
    )
    assert done.returncode == 1
    assert "git config --global user.name" in done.stderr
    assert not (tmp_path / "churn").exists()


def test_without_git_it_says_so(template: Path, tmp_path: Path) -> None:
    done = mlops("new", "churn", "-l", "--template", str(template), cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "git is not installed" in done.stderr


def test_components_and_presets_are_listed(template: Path, tmp_path: Path) -> None:
    listed = json.loads(mlops("components", "--json", "--template", str(template), cwd=tmp_path).stdout)
    assert {"sklearn", "lightgbm"} <= {row["name"] for row in listed if row["axis"] == "framework"}
    presets = json.loads(mlops("presets", "--json", "--template", str(template), cwd=tmp_path).stdout)
    assert {preset["name"] for preset in presets} == {"minimal", "standard", "production"}
