"""The commands of a person's workspace: poe contract, data, setup and what is said after it, and the hook for files."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlops_kit import models
from mlops_kit.contract import Source, load
from mlops_kit.contract import __main__ as check_contract
from mlops_kit.contract.infer import __main__ as infer_contract
from mlops_kit.contract.infer import infer
from mlops_kit.data import sample, write_example
from mlops_kit.ground import KitError, Project, using
from mlops_kit.serving import predict
from mlops_kit.workspace import __main__ as workspace
from mlops_kit.workspace import setup
from sklearn import datasets

from tests.conftest import git
from tests.kit.projects import copied, write

FILES = ("contract.yaml", "params.yaml", "pyproject.toml", "src")
COMMENT = "# Checked with the people who measure it.\n"
RAW = "data/raw/rows.csv"
Run = Callable[..., str]


@pytest.fixture
def here(project: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project `plain` in git, its data too, with a comment in contract.yaml."""
    git("init", "--quiet", cwd=tmp_path)
    with using(copied(project, tmp_path, *FILES, "data")) as here:
        write(here.root / "contract.yaml", COMMENT + (here.root / "contract.yaml").read_text(encoding="utf-8"))
        commit(here)
        yield here


def commit(project: Project) -> None:
    """Commit all."""
    git("add", "--all", cwd=project.root)
    git("commit", "--quiet", "--message", "all", cwd=project.root)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Gives what a command prints. It fails the test where the command ends with a sentence."""

    def main(module: Any, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["poe", *map(str, arguments)])
        capfd.readouterr()
        module.main()
        return capfd.readouterr().out

    return main


# --- poe data --------------------------------------------------------------------------------------------------------


def table(project: Project) -> pd.DataFrame:
    """The project's data."""
    return pd.read_csv(project.root / RAW)


@pytest.fixture
def later(here: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version of the data: the rows twice, in another file."""
    file = tmp_path_factory.mktemp("later") / "march.csv"
    pd.concat([table(here)] * 2).to_csv(file, index=False, lineterminator="\n")
    return file


def test_a_later_version_of_the_data_takes_the_place_of_the_former_one(here: Project, later: Path, run: Run) -> None:
    write(here.root / "notes.md", "mine")
    git("add", "notes.md", cwd=here.root)
    assert run(workspace, "data", later, "--in-git").endswith(
        "data: march.csv is versioned and committed. Train on it: uv run poe repro\n"
    )
    assert [file.name for file in (here.root / "data/raw").iterdir()] == ["march.csv"]
    assert (here.root / "contract.yaml").read_text(encoding="utf-8").startswith(COMMENT), "what somebody wrote stays"
    contract = load()
    assert (contract.source.path, contract.rows) == ("data/raw/march.csv", 400)
    assert git("log", "-1", "--format=%s", cwd=here.root) == "data: march.csv"
    assert git("status", "--porcelain", cwd=here.root) == "A  notes.md", "what else is staged is not in the commit"
    assert "march.csv is the data already, nothing to commit" in run(workspace, "data", later, "--in-git")


def test_dvc_keeps_the_data_where_nothing_else_is_said(here: Project, later: Path, run: Run) -> None:
    write(here.root / ".dvc/config", "[core]\n    analytics = false\n    autostage = true\n")
    write(here.root / ".gitignore", "/.dvc/cache\n/.dvc/tmp\n")
    git("rm", "--quiet", "-r", "--cached", "data/raw", cwd=here.root)
    git("add", ".dvc", ".gitignore", cwd=here.root)
    git("commit", "--quiet", "--message", "DVC", cwd=here.root)
    run(workspace, "data", later)
    assert git("ls-files", "data", cwd=here.root).split() == ["data/.gitignore", "data/raw.dvc"]
    assert models.data_md5() == models.folder_md5(here.root / "data/raw")
    assert git("status", "--porcelain", "--", "data", "contract.yaml", cwd=here.root) == ""


def test_fewer_rows_than_before_are_said(here: Project, later: Path, run: Run) -> None:
    table(here).head(150).to_csv(later, index=False)
    said = run(workspace, "data", later, "--in-git", "--no-commit")
    assert "rows: 150, and 200 before: the file takes the place of all data, old rows included" in said
    assert git("log", "--format=%s", cwd=here.root) == "all", "nothing is committed"


def test_a_file_that_is_written_in_another_way_is_read_as_it_is_written(here: Project, later: Path, run: Run) -> None:
    table(here).to_csv(later, index=False, sep=";", decimal=",")
    run(workspace, "data", later, "--in-git")
    assert (load().source.separator, load().source.decimal) == (";", ",")
    assert load().check(load().read(later)) == []


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "a column is missing": (lambda rows: rows.drop(columns="y"), "'y'"),
    "a column is of another type": (lambda rows: rows.assign(x="much"), "'x'"),
    "a class is new": (lambda rows: rows.assign(side=["else"] * 10 + rows["side"][10:].tolist()), "else"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_does_not_fit_the_contract_changes_nothing(
    case: str, here: Project, later: Path, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    change, named = REFUSED[case]
    change(table(here)).to_csv(later, index=False)
    with pytest.raises(SystemExit, match="does not fit the contract"):
        run(workspace, "data", later, "--in-git")
    assert re.search(rf"^differs: .*{named}", capfd.readouterr().out, re.MULTILINE)
    assert git("status", "--porcelain", cwd=here.root) == ""
    assert (here.root / RAW).exists()


def test_another_target_infers_the_contract_again(here: Project, later: Path, run: Run) -> None:
    run(workspace, "data", later, "--target", "x", "--problem", "regression", "--in-git")
    assert (load().target, load().problem) == ("x", "regression")


def test_what_is_no_file_and_a_contract_without_its_line_are_said(here: Project, later: Path, run: Run) -> None:
    with pytest.raises(SystemExit, match=r"nothing\.csv is not a file\. Name a CSV or Parquet file\."):
        run(workspace, "data", here.root / "nothing.csv")
    text = (here.root / "contract.yaml").read_text(encoding="utf-8")
    write(here.root / "contract.yaml", text.replace("source: {", "source:\n  {"))
    with pytest.raises(SystemExit, match=r"has no line `source: \.\.\.` to change\. Write it as: source: \{path: "):
        run(workspace, "data", later, "--in-git")
    assert (here.root / RAW).exists(), "the former data stays"


# --- poe contract ----------------------------------------------------------------------------------------------------


def test_the_contract_of_a_file_is_written_and_can_be_understood(here: Project, later: Path, run: Run) -> None:
    write(here.root / "contract.yaml", "")
    run(infer_contract, later, "--target", "side", "--missing", "-")
    assert load().source.missing == ("-",)
    assert run(check_contract) == "classification of 'side' from 2 columns\n"


def test_a_check_of_a_file_reports_and_writes_nothing(here: Project, later: Path, run: Run) -> None:
    table(here).assign(same=1).to_csv(later, index=False)
    found = json.loads(run(infer_contract, later, "--target", "side", "--json", "--check"))
    assert (found["problem"], found["rows"], found["columns"]) == ("classification", 200, 3)
    assert {"level": "info", "text": "left out as constant: same"} in found["findings"]
    assert "left out as constant: same" in run(infer_contract, later, "--target", "side", "--check").splitlines()
    assert git("status", "--porcelain", cwd=here.root) == ""


def test_a_file_without_the_target_is_a_sentence_or_json(here: Project, later: Path, run: Run) -> None:
    with pytest.raises(SystemExit, match="'unheard of'"):
        run(infer_contract, later, "--target", "unheard of")
    assert git("status", "--porcelain", cwd=here.root) == ""


def test_a_program_gets_what_is_wrong_with_a_file_as_json(
    here: Project, later: Path, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(infer_contract, later, "--target", "unheard of", "--json")
    assert ended.value.code == 1
    said = json.loads(capfd.readouterr().out)
    assert "'unheard of'" in said["error"]
    assert said["next"]


# --- poe setup -------------------------------------------------------------------------------------------------------

EXAMPLES = [("classification", "breast_cancer", "diagnosis"), ("regression", "diabetes", "progression")]


def by_scikit_learn(example: str) -> bytes:
    """The data set as scikit-learn loads it and pandas writes it."""
    if example == "diabetes":
        frame = datasets.load_diabetes(as_frame=True, scaled=False).frame.rename(columns=dict(target="progression"))
    else:
        bunch = datasets.load_breast_cancer(as_frame=True)
        frame = bunch.data.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names))))
    return bytes(frame.to_csv(index=False, lineterminator="\n").encode())


@pytest.mark.parametrize(("problem", "example", "target"), EXAMPLES)
def test_the_example_is_written_again_byte_for_byte(here: Project, problem: str, example: str, target: str) -> None:
    contract = replace(load(), source=Source("data/raw/example.csv", example=example))
    write_example(contract)
    assert (here.root / contract.source.path).read_bytes() == by_scikit_learn(example)
    commit(here)
    found, _ = infer(here.root / contract.source.path, target)
    assert found.problem == problem
    (here.root / contract.source.path).unlink()
    assert setup.bring_data(contract) == "wrote the example, data/raw/example.csv"
    assert git("status", "--porcelain", cwd=here.root) == "", "git keeps it, so DVC does not"


def test_data_that_nobody_has_is_said_with_what_works_without_it(here: Project) -> None:
    contract = replace(load(), source=Source("data/raw/gone.csv"))
    assert setup.bring_data(contract) == (
        "data/raw/gone.csv is not here and no DVC remote has it: tests and pipeline run on generated rows"
    )


def test_a_smoke_test_that_fails_says_how_to_see_where(here: Project) -> None:
    file = here.root / "src/plain/model.py"
    broken = "\n\ndef build(contract, parameters):\n    raise ZeroDivisionError\n"
    write(file, file.read_text(encoding="utf-8") + broken)
    with pytest.raises(KitError, match=r"^The smoke test failed: ZeroDivisionError\(\)\. See where: uv run poe test$"):
        setup.smoke_test()
    for name in [one for one in sys.modules if one.partition(".")[0] == "plain"]:
        del sys.modules[name]


def test_what_to_try_next_is_training_until_there_is_a_champion(here: Project, run: Run) -> None:
    first = run(workspace, "next").splitlines()
    assert [line.split()[4] for line in first[1:-1]] == ["repro", "register", "promote", "test"]
    write(here.root / "champion.yaml", "")
    then = run(workspace, "next").splitlines()
    assert [line.split()[4] for line in then[1:-1]] == ["test", "predict", "serve"]
    assert all(len(line.split()) > 5 for line in then[1:-1]), "each with its help"


def test_where_the_hooks_are_not_installed_it_is_said_why(here: Project, tmp_path: Path, run: Run) -> None:
    git("config", "core.hooksPath", "hooks", cwd=here.root)
    assert run(workspace, "hooks").startswith("hooks: not installed, since your git has core.hooksPath: run `uv run")
    git("config", "--unset", "core.hooksPath", cwd=here.root)
    inner = copied(here, tmp_path / "services/churn", "contract.yaml", "pyproject.toml")
    with using(inner):
        assert "they would stop commits to the larger repository" in run(workspace, "hooks")
    assert not (here.root / ".git/hooks/pre-commit").exists()
    assert git("config", "merge.mlops-run.driver", cwd=here.root) == setup.DRIVERS["mlops-run"]


def test_outside_git_there_are_no_hooks(project: Project, tmp_path: Path, run: Run) -> None:
    with using(copied(project, tmp_path, "contract.yaml")):
        assert run(workspace, "hooks") == "hooks: not a git repository, no hooks\n"


def test_without_a_champion_setup_says_how_to_get_one(here: Project) -> None:
    assert setup.bring_champion() == "none yet: uv run poe repro, then uv run poe register, then uv run poe promote"


def test_a_champion_of_a_server_that_is_away_is_said(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    models.write_champion(models.Champion(1, "0" * 32 + ".dir", "", "", "", {}))
    away = models.ServerError("Nothing answers there.")

    def ask() -> Path:
        raise away

    monkeypatch.setattr(models, "champion_folder", ask)
    assert setup.bring_champion() == "not to be had now. Nothing answers there."


# --- poe sample and poe predict --------------------------------------------------------------------------------------


def test_rows_of_the_contract_are_written_as_the_data_is_and_predicted(
    saved: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    file, answers = tmp_path / "rows.csv", tmp_path / "answers.csv"
    run(sample, "--rows", 30, "--output", file)
    assert run(sample, "--rows", 30) == file.read_text(encoding="utf-8"), "the same seed gives the same rows"
    assert run(sample, "--rows", 30, "--seed", 1) != file.read_text(encoding="utf-8")
    assert run(predict, file, "--output", answers) == f"30 rows predicted, written to {answers}\n"
    found = pd.read_csv(answers)
    assert list(found) == ["x", "y", "side", "prediction", "probability in", "probability out"]
    assert set(found["prediction"]) == {"in", "out"}
    assert run(predict, file) == answers.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^There is no file .*gone\.csv\. Check the path\.$"):
        run(predict, tmp_path / "gone.csv", "--output", answers)
    assert len(pd.read_csv(answers)) == 30, "the former answers stay"


# --- the hook, and options -------------------------------------------------------------------------------------------


def test_a_large_file_is_refused_with_the_command_that_dvc_keeps_it_by(here: Project, run: Run, tmp_path: Path) -> None:
    small, large = tmp_path / "small.bin", tmp_path / "large.bin"
    small.write_bytes(b"x")
    run(workspace, "large-files", small, tmp_path / "gone.bin")
    large.write_bytes(b"x" * (5 * 2**20 + 1))
    with pytest.raises(SystemExit, match=r"^Over 5 MB: .*large\.bin\. Let DVC keep it: uv run dvc add FILE$"):
        run(workspace, "large-files", small, large)


def test_an_option_that_a_command_does_not_know_is_an_error(here: Project, run: Run) -> None:
    with pytest.raises(SystemExit) as ended:
        run(workspace, "hooks", "--force")
    assert ended.value.code == 2
