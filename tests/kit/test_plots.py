"""What the stage evaluate draws from: tables in plots/, the page of `poe report`, and the model card."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, params, using
from mlops_kit.platforms import model_page, report
from mlops_kit.registry.cards import model_card
from mlops_kit.training import measure, positive_class, scorer, write_plots
from sklearn.inspection import permutation_importance
from sklearn.metrics import auc, roc_auc_score

from tests.conftest import git
from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

OF_A_CI = (
    *("GITHUB_ACTIONS", "GITHUB_BASE_REF", "GITHUB_STEP_SUMMARY", "GITLAB_CI", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
    *("CHANGE_TARGET", "CI_DEFAULT_BRANCH"),
)
EVERY = kinds("plain", "grades", "prices", "light_grades")
Drawn = tuple[Path, dict[str, Any]]


@pytest.fixture
def drawn(project: Project, contract: Contract, model: Any, parts: Any, tmp_path: Path) -> Iterator[Drawn]:
    """A copy of the project after its plots are written, and what metrics.json says."""
    with using(copied(project, tmp_path, "params.yaml", "contract.yaml", "dvc.yaml", "src")) as here:
        measured = measure(model, contract, *parts)
        write_plots(model, contract, parts[1], measured)
        write(here.root / "metrics.json", json.dumps(measured))
        yield here.root, measured


@EVERY
def test_dvc_yaml_names_each_table_and_its_columns(drawn: Drawn) -> None:
    plots = yaml.safe_load((drawn[0] / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    named = {path: entry for plot in plots for path, entry in plot.items()}
    assert set(named) == {path.relative_to(drawn[0]).as_posix() for path in (drawn[0] / "plots").iterdir()}
    for path, entry in named.items():
        assert {entry["x"], entry["y"]} <= set(pd.read_csv(drawn[0] / path)), path


@kinds("plain", "grades")
def test_the_curves_are_the_models(drawn: Drawn, contract: Contract, model: Any, parts: Any) -> None:
    roc = pd.read_csv(drawn[0] / "plots/roc.csv")
    shares = model.predict_proba(contract.coerce(parts[1]))
    labels = contract.labels(parts[1])
    positive, classes = positive_class(contract), list(model.classes_)
    if positive is None:
        truths = [[label == one for one in classes] for label in labels]
        expected = roc_auc_score(truths, shares, average="micro")
    else:
        expected = roc_auc_score(labels == positive, shares[:, classes.index(positive)])
    assert auc(roc["false_positive_rate"], roc["true_positive_rate"]) == pytest.approx(expected, abs=0.01)
    assert pd.read_csv(drawn[0] / "plots/calibration.csv").max().max() <= 1


@kinds("plain", "prices")
def test_the_columns_that_tell_the_target_come_first(drawn: Drawn) -> None:
    found = pd.read_csv(drawn[0] / "plots/importance.csv").set_index("feature")["importance"]
    assert found.is_monotonic_decreasing
    assert set(found.index[:2]) <= {"x", "y", "size", "colour", "said", "member"}
    assert found.iloc[0] > 0.1


@kinds("grades", "prices")
def test_the_importance_is_scikit_learns(drawn: Drawn, contract: Contract, model: Any, parts: Any) -> None:
    some, primary = parts[1], params()["evaluate"]["primary"]
    some = pd.concat([some, some[~some[contract.target].duplicated()]] if contract.classes else [some])
    rows, labels = contract.coerce(some).reset_index(drop=True), contract.labels(some)
    ask = scorer(primary, contract)
    expected = permutation_importance(model, rows, labels, scoring=ask, n_repeats=3, random_state=0)
    found = pd.read_csv(drawn[0] / "plots/importance.csv").set_index("feature").loc[list(rows.columns)]
    assert found["importance"].to_numpy() == pytest.approx(expected.importances_mean, abs=2e-6)
    assert found["deviation"].to_numpy() == pytest.approx(expected.importances_std, abs=2e-6)


@EVERY
def test_the_page_shows_them_all(drawn: Drawn, contract: Contract) -> None:
    shown = model_page.page(drawn[1])
    titles = re.findall("<h2>(.*?)</h2>", shown)
    answers = ["Errors"] if contract.problem == "regression" else ["Confusion", "Curves"]
    slices = ["Slices"] if drawn[1]["slices"] else []
    assert titles == ["Metrics", *answers, "What it looks at", *slices]
    charts = re.findall("<svg.*?</svg>", shown, re.DOTALL)
    assert len(charts) == (3 if contract.problem == "regression" else 4)
    for chart in charts:
        ET.fromstring(chart)
    assert "nan" not in "".join(charts)


@EVERY
def test_the_model_card_has_them_as_tables(drawn: Drawn, contract: Contract) -> None:
    measured = drawn[1]
    champion = models.Champion(1, "md5", "", "", measured["prediction_sha256"], measured["metrics"])
    card = "\n\n".join(model_card(champion, contract))
    assert "## How it errs" in card
    assert "permutation importance" in card
    assert ("Calibration" in card and "ROC" in card) == bool(contract.classes)
    other = models.Champion(1, "md5", "", "", "of another model", measured["metrics"])
    assert "## How it errs" not in "\n".join(model_card(other, contract))


def test_the_report_of_a_change_is_against_the_commit_where_it_left_main(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, measured = drawn
    for name in OF_A_CI:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["report", "--post"])

    def reported() -> str:
        report.main()
        return capsys.readouterr().out

    def commit(message: str) -> str:
        git("add", "metrics.json", "contract.yaml", "dvc.lock", cwd=root)
        git("commit", "--quiet", "--allow-empty", "--message", message, cwd=root)
        return git("rev-parse", "HEAD", cwd=root)[:7]

    write(root / "data/raw/rows.csv", "")
    write(root / "model/weights", "0" * 1_000_000)
    write(root / "dvc.lock", "stages: {train: {outs: [{path: model, size: 2000000}]}}\n")
    git("init", "--quiet", "--initial-branch", "main", cwd=root)
    before, main = commit("one"), commit("two")
    assert f"The model predicts as it does at the base, {before}." in reported()
    git("checkout", "--quiet", "-b", "change", cwd=root)
    write(root / "metrics.json", json.dumps({**measured, "prediction_sha256": "another"}))
    commit("three")
    said = reported()
    assert f"Against the base, {main}. Greater is better." in said
    assert "The model takes 1.00 MB, 2.00 MB at the base." in said
    assert said.endswith("not commented: this CI has no comments; it keeps report/ with the build\n")
    assert said.startswith((root / "report/report.md").read_text(encoding="utf-8"))
    assert "<h2>Metrics</h2>" in (root / "report/model.html").read_text(encoding="utf-8")
    (root / "data/raw/rows.csv").unlink()
    assert "these are the metrics of **generated rows**, not to be compared" in reported()
