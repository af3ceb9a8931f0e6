"""A step that takes long says every few seconds that it goes on, and what the program that it runs is doing."""

import sys
from pathlib import Path
from threading import Event
from unittest.mock import Mock

import pytest
from mlops_scaffold.creating.bootstrap import Setup, Wishes
from mlops_scaffold.ground import process, report
from mlops_scaffold.ground.report import Report

WAITS = "import pathlib, sys, time\nprint('… train: fit, 1,000 rows, 4 s', file=sys.stderr, flush=True)\n"
WAITS += "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nprint('done')"


class Heard(Report):
    """A report that keeps what it says, and tells when that was something about a step's work."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.heard = Event()

    def _print(self, text: str) -> None:
        self.said.append(text)
        if "fit" in text:
            self.heard.set()


def test_a_long_step_says_what_its_program_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "EVERY", 0.05)
    told, go_on = Heard(), tmp_path / "go on"

    def watch(line: str) -> None:
        told.detailed(line)
        if told.heard.is_set():
            go_on.touch()

    with told.step("pipeline"):
        done = process.run([sys.executable, "-c", WAITS, str(go_on)], alone=True, watch=watch)
    assert (done.code, done.output) == (0, "done\n")
    assert any(line.startswith("… pipeline (") and line.endswith("train: fit, 1,000 rows, 4 s") for line in told.said)
    assert told.said[-1].startswith("✓ pipeline (")


def test_a_short_step_says_nothing_in_between() -> None:
    told = Heard()
    with told.step("first commit"):
        pass
    assert len(told.said) == 1


def test_what_the_stages_propose_is_said_after_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "Running stage 'prepare':\nthink of another metric: 'yes' has 1.2% of the rows\ntrained on 80 rows"
    monkeypatch.setattr(Setup, "module", lambda *_: printed)
    setup = Setup(Mock(), Wishes(run=True))
    setup.pipeline()
    assert setup.told == ["think of another metric: 'yes' has 1.2% of the rows"]
