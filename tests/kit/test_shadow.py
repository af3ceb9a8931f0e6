"""Challenger and champion on the same rows: where they differ is found and named, and nowhere else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, using
from mlops_kit.monitoring import asked, rehearse, shadow
from mlops_kit.monitoring.errors import TooFewRowsError
from mlops_kit.monitoring.shadow_page import page

from tests.kit.kinds import kinds
from tests.kit.projects import copied

EVERY = kinds("grades", "prices")


class Elsewhere:
    """A model that answers as another does, but for the rows where a number is above its median."""

    def __init__(self, model: Any, contract: Contract, column: str) -> None:
        self.model, self.contract, self.column = model, contract, column

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Its answers."""
        answers = np.asarray(self.model.predict(rows))
        above = (rows[self.column] > rows[self.column].median()).to_numpy()
        if not self.contract.classes:
            return np.asarray(answers + above * 10 * answers.std())
        first, second = self.contract.classes[:2]
        return np.where(above, np.where(answers == first, second, first), answers)


@EVERY
def test_a_model_agrees_with_itself(contract: Contract, model: Any) -> None:
    rows = contract.coerce(contract.sample(60))
    found = shadow.compare(contract, rows, model.predict(rows).tolist(), model, model)
    assert found.agreement == 1
    assert found.differing == []
    assert "100.0% of 60 rows" in found.sentences[0]


@pytest.mark.long
@EVERY
def test_where_they_differ_is_named(contract: Contract, model: Any) -> None:
    name = contract.of_type("numeric")[0]
    rows = contract.coerce(contract.sample(200)).dropna(subset=[name])
    answered = model.predict(rows).tolist()
    found = shadow.compare(contract, rows, answered, model, Elsewhere(model, contract, name))
    assert 0.3 < found.agreement < 0.7
    assert found.slices[0].name == f"{name} (upper half)"
    assert found.slices[0].agreement == 0
    assert any(name in sentence for sentence in found.sentences)
    assert len(found.differing) == round((1 - found.agreement) * len(rows))
    entries = [asked.Asked({}, answer, "one", "an <id>") for answer in answered]
    shown = page(found, entries, "a <log>", "challenger")
    assert "a &lt;log&gt;" in shown
    assert "an &lt;id&gt;" in shown
    lines = list(rehearse.metrics(found))
    assert any(line.startswith("model_shadow_agreement{") for line in lines)
    assert sum(line.startswith("model_shadow_slice_agreement{") for line in lines) == len(found.slices)


def test_too_few_rows_say_nothing(contract: Contract, model: Any) -> None:
    rows = contract.coerce(contract.sample(5))
    with pytest.raises(TooFewRowsError, match="5 rows are too few"):
        shadow.compare(contract, rows, model.predict(rows).tolist(), model, model)


@pytest.fixture
def log(
    project: Project, contract: Contract, model: Any, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A log of 41 answers: one of another model, one cut off in the middle. Both models are the same, in a folder."""
    rows = contract.sample(41).drop(columns=contract.target)
    answers = model.predict(contract.coerce(rows)).tolist()
    told = json.loads(rows.to_json(orient="records", date_format="iso"))
    lines = [
        json.dumps(dict(version="other" if place == 0 else "test", request="r", row=row, prediction=answer))
        for place, (row, answer) in enumerate(zip(told, answers, strict=True))
    ]
    (tmp_path / "predictions-1.jsonl").write_text("\n".join(lines)[:-20], encoding="utf-8")
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path))
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    monkeypatch.setattr(models, "from_registry", lambda _: ("2", saved))
    monkeypatch.setattr("sys.argv", ["shadow"])
    with using(copied(project, tmp_path, "contract.yaml", "src")):
        yield tmp_path


@EVERY
def test_the_champions_answers_of_the_log_are_compared(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rehearse.main()
    said = capsys.readouterr()
    assert "100.0% of 39 rows" in said.out
    assert "1 lines of the prediction log are broken" in said.err
    shown = (log / "report/shadow.html").read_text(encoding="utf-8")
    assert "1 that another model answered are left out" in shown
    assert (log / "report/shadow.prom").read_text(encoding="utf-8").endswith("\n")


@pytest.mark.usefixtures("log")
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def nobody(_: str) -> tuple[str, Path]:
        raise models.ChampionError("MLflow gives no challenger: there is none.")

    monkeypatch.setattr(models, "from_registry", nobody)
    with pytest.raises(SystemExit, match="no challenger"):
        rehearse.main()
    monkeypatch.setenv("PREDICTION_LOG", "nowhere")
    rehearse.main()
    assert "nothing to look at" in capsys.readouterr().out
