"""`mlops new --dataset`: on tables that people really have, and one sentence for files that cannot serve."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlops_scaffold.ground import process

from tests.project import first_change
from tests.project.running import first, poe, python, set_up

RUN = [sys.executable, "-m", "mlops_scaffold"]
PACKAGES = ("statsmodels", "vega_datasets")  # with the tables; a project has all else

# The file, its target, and the problem that it is.
TABLES = {
    "binary, semicolons, decimal comma": ("semicolon.csv", "diagnosis", "classification"),
    "three classes, tabs": ("tab.tsv", "species", "classification"),
    "regression, Parquet": ("numbers.parquet", "target", "regression"),
    "200 rows": ("small.csv", "target", "regression"),
    "missing values, rows without a target": ("missing.csv", "Miles_per_Gallon", "regression"),
    "dates": ("dates.csv", "weather", "classification"),
    "cp1252": ("cp1252.csv", "Région", "classification"),
    "names that are not ASCII, BOM": ("bom.csv", "品种", "classification"),
    "booleans and dates, Parquet": ("mixed.parquet", "share", "classification"),
    "500,000 rows": ("large.csv", "affair", "classification"),
}
# The others are runs of full size: tests/kit reads such tables, and has a person's tests green on eight kinds of them.
SAMPLE = ("missing values, rows without a target",)
# Of another framework than the default.
LIGHTGBM = ("missing.csv",)


def table(name: str, project: Path, folder: Path) -> Path:
    """One of TABLES in a folder, written in the environment of a project by the packages that ship them."""
    packages = [part for package in PACKAGES for part in ("--with", package)]
    script = str(Path(__file__).with_name("tables.py"))
    command = [process.uv(), "run", "--no-sync", *packages, "python", script, str(folder), name]
    done = subprocess.run(command, cwd=project, env=process.project_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / name


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "target", "problem"),
    [pytest.param(*row, id=name, marks=() if name in SAMPLE else pytest.mark.soak) for name, row in TABLES.items()],
)
def test_a_table_becomes_a_project_that_is_green(
    template: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    target: str,
    problem: str,
) -> None:
    project, like = tmp_path / "churn", first(template, tmp_path_factory)
    data = ["--dataset", str(table(file, like, tmp_path)), "--target", target]
    command = [*RUN, "new", str(project), *data, "-l", "--no-setup"]
    if file in LIGHTGBM:
        command += ["-d", "framework=lightgbm"]
    done = subprocess.run([*command, "--template", str(template)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{problem} of {target!r}" in done.stderr
    assert json.loads(set_up(project, like, "--run", "--json", *data))["steps"][-1]["step"] == "champion committed"
    for task in ("test", "lint"):
        poe(project, task)
    report = json.loads((project / "metrics.json").read_text(encoding="utf-8"))
    primary = next(iter(report["metrics"]))
    assert report["metrics"][primary] > report["baseline"][primary]
    tracked = subprocess.run(["git", "ls-files"], cwd=project, capture_output=True, text=True).stdout
    assert file not in tracked.split()
    assert "prediction" in poe(project, "predict")
    change = first_change.make(project)
    code = "from churn.model import build; from mlops_kit.contract import load; from mlops_kit.ground import params; "
    built = f"print(build(load(), params()['model'])[-1].{change.argument})"
    assert file not in LIGHTGBM or python(project, code + built) == change.value


# One refusal of each step: reading the file, inferring the contract, splitting. tests/kit has the others.
BAD = {
    "empty": ("", "label", "is empty"),
    "a wrong target": ("age,label\n" + "1,a\n2,b\n" * 20, "lable", "Did you mean 'label'? Columns: label"),
    "classes that are too small": ("age,label\n" + "1,a\n2,b\n" * 20 + "9,rare\n", "label", "cannot be split: rare"),
}


@pytest.mark.parametrize(("text", "target", "sentence"), BAD.values(), ids=BAD)
def test_a_file_that_cannot_serve_is_one_sentence(
    template: Path, tmp_path: Path, text: str, target: str, sentence: str
) -> None:
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    command = [*RUN, "new", "churn", "--dataset", "data.csv", "--target", target, "-l", "--quiet"]
    done = subprocess.run([*command, "--template", str(template)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == ["data.csv"]  # noqa: PTH208


def test_what_was_found_out_is_said(template: Path, tmp_path: Path) -> None:
    rows = [f"{n};{n % 9},5;x;{'ja' if n % 3 else 'nein'};{n % 28 + 1:02}.03.2024;{'ab'[n % 2]}" for n in range(60)]
    text = "kunden_id;größe;fest;aktiv;seit;klasse\n" + "\n".join(rows) + "\n59;1,5;x;ja;01.03.2024;\n"
    (tmp_path / "daten.csv").write_bytes(text.encode("cp1252"))
    command = [*RUN, "new", "churn", "--dataset", "daten.csv", "--target", "klasse", "-l", "--dry-run"]
    done = subprocess.run([*command, "--template", str(template)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for said in (
        "read as cp1252, separated by semicolons",
        "decimal comma",
        "left out as identifier: kunden_id",
        "left out as constant: fest",
        "1 rows without a target",
        "classification of 'klasse' from 3 columns",
    ):
        assert said in done.stderr, said


def test_a_name_that_would_break_a_line_is_understood(template: Path, tmp_path: Path) -> None:
    text = "x,a\u2028b\n" + "".join(f"{n % 7},{'ab'[n % 2]}\n" for n in range(60))
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    command = [*RUN, "new", "churn", "--dataset", "data.csv", "--target=a\u2028b", "-l", "--dry-run"]
    done = subprocess.run([*command, "--template", str(template)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "classification" in done.stderr
