"""A stage that takes long says what it is doing, with how many rows, and for how long."""

import io
import re
import sys
import time

import pytest
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


def test_a_short_stage_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("train"):
        doing("fit the model")
    assert capsys.readouterr().err == ""
