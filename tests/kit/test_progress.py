"""A stage that takes long says what it is doing, with how many rows, and for how long."""

import io
import re
import sys
import time
from pathlib import Path

import pytest
from mlops_kit.contract.infer import infer, inference, opening, widening
from mlops_kit.ground import Project, doing, reporting
from mlops_kit.training import stage

PATIENCE = 60


def test_a_long_stage_says_what_it_does(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    monkeypatch.setattr("mlops_kit.ground.progress.EVERY", 0.01)
    monkeypatch.setattr(sys, "stderr", said := io.StringIO())

    @stage
    def train() -> None:
        doing("fit the model", 800_000)
        end = time.monotonic() + PATIENCE
        while "fit" not in said.getvalue() and time.monotonic() < end:
            time.sleep(0.01)

    train()
    assert re.search(r"^… train: fit the model, 800,000 rows, \d+ s$", said.getvalue(), re.MULTILINE)


def test_the_look_at_a_data_file_says_what_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[str] = []
    for module in (inference, opening, widening):
        monkeypatch.setattr(module, "doing", lambda what, rows: done.append(f"{what}, {rows} rows"))
    monkeypatch.setattr(opening, "MOST_ROWS", 100)
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{n % 9},{n % 2}\n" for n in range(200)), encoding="utf-8")
    infer(path, "y", "classification")
    told = ["read the file", "tell the columns' types", "look for bounds and categories", "look for leaks"]
    assert done == [f"{what}, {rows} rows" for what, rows in zip(told, (200, 100, 200, 100), strict=True)]


def test_a_short_stage_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("train"):
        doing("fit the model")
    assert capsys.readouterr().err == ""
