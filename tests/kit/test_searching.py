"""A search remembers each trial, tries again what a machine lost, and ends as if nothing had happened."""

import atexit
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from filelock import FileLock
from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.data import checked_rows, split, write_parts
from mlops_kit.ground import Project, params, using
from mlops_kit.search import SearchError
from mlops_kit.search import __main__ as commands
from mlops_kit.search.loop import search
from mlops_kit.search.objective import Objective, Outcome, Task, is_hopeless, read_objective
from mlops_kit.search.record import Record
from mlops_kit.search.space import Settings, read_settings

from tests.kit.projects import copied, write

# Quick to fit. A worker that gets the depth of `killing` dies by it, once.
MODEL = """
import os
from pathlib import Path

from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

KILLING = Path(__file__).with_name("killing")


def build(contract, parameters):
    if KILLING.exists() and KILLING.read_text() == str(parameters["max_depth"]):
        KILLING.unlink()
        os._exit(9)
    return DecisionTreeClassifier(**parameters, random_state=0)


def baseline():
    return DummyClassifier(strategy="prior")
"""
SPACE = "seed: 7\nbatch: 2\nfolds: 2\nmodel:\n  max_depth: {from: 1, to: 9}\n  min_samples_leaf: {choices: [1, 10]}\n"
START = {"max_depth": 3, "min_samples_leaf": 1}
Answers = Iterator[tuple[Task, Outcome]]


@pytest.fixture(scope="module")
def database(made: Callable[[str], Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mlflow.db in which nothing is, made once."""
    folder = tmp_path_factory.mktemp("mlflow")
    with using(replace(made("plain"), root=folder)):
        models.client().search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def here(project: Project, database: Path, tmp_path: Path) -> Iterator[Project]:
    """A project with a model.py of one's own, whose data is prepared."""
    own = copied(project, tmp_path / "here", "contract.yaml", "params.yaml", "pyproject.toml", "src", "data")
    shutil.copy(database, own.root / "mlflow.db")
    write(own.root / "search.yaml", SPACE)
    write(own.root / f"src/{own.package}/model.py", MODEL)
    told = yaml.safe_load((own.root / "params.yaml").read_text(encoding="utf-8"))
    write(own.root / "params.yaml", yaml.safe_dump({**told, "model": START}))
    with using(own):
        write_parts(*split(load(), checked_rows(load())))
        yield own


class Crew:
    """Workers in this process, which write down what they were asked."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.asked = objective, list[int]()

    def run(self, tasks: list[Task]) -> Answers:
        """Try out some trials."""
        for task in tasks:
            self.asked.append(task.number)
            yield task, self.objective.try_out(task)

    def close(self) -> None:
        """They need nothing."""


def searched(trials: int) -> tuple[list[int], dict[int, tuple[Any, Any]], dict[str, Any]]:
    """A search: the trials that were made, all that it remembers, and its winner."""
    settings = read_settings(params())
    crew, record = Crew(read_objective(settings)), Record(settings)
    best = search(settings, record, crew.run, trials)
    told = {number: (parameters, outcome.scores) for number, (parameters, outcome) in Record(settings).trials().items()}
    return crew.asked, told, best.params


# --- what is remembered ----------------------------------------------------------------------------------------------


def test_a_search_that_stopped_anywhere_ends_as_if_it_had_not(
    here: Project, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Record, "_complete", stop)  # the trial is there, and what people look at is not
        with pytest.raises(KeyboardInterrupt):
            searched(1)
    assert searched(2)[0] == [1]
    resumed, found, winner = searched(4)
    assert resumed == [2, 3]
    statuses = {run.info.status for run in models.client().search_runs([models.experiment_id()], "tags.trial != ''")}
    assert statuses == {"FINISHED"}
    shutil.copy(database, here.root / "mlflow.db")
    assert searched(4) == ([0, 1, 2, 3], found, winner)
    assert found[0][0] == START  # what params.yaml has is tried before anything else


def test_values_that_the_space_has_no_place_for_are_not_tried(here: Project) -> None:
    write(here.root / "search.yaml", SPACE.replace("[1, 10]", "[5, 10]"))
    _, found, _ = searched(1)
    assert found[0][0]["min_samples_leaf"] in (5, 10)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def settings_of(metric: str = "accuracy") -> Settings:
    """Settings of the space above, with what is in no file."""
    return replace(read_settings(params()), metric=metric)


def spoilt(times: int, outcome: Outcome, number: int = 1) -> tuple[list[int], Callable[[list[Task]], Answers]]:
    """Workers of which one fails so many times at a trial, and the others are good; and what they were asked."""
    asked: list[int] = []

    def run(tasks: list[Task]) -> Answers:
        for task in tasks:
            asked.append(task.number)
            bad = task.number == number and asked.count(number) <= times
            yield task, outcome if bad else Outcome((0.5, 0.7))

    return asked, run


@pytest.mark.usefixtures("here")
def test_what_a_machine_lost_is_tried_again_and_what_cannot_be_is_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost, impossible = Outcome(error="no space left", machine=True), Outcome(error="depth is negative")
    settings = settings_of()
    asked, run = spoilt(2, lost)
    search(settings, Record(settings), run, 2)
    assert asked == [0, 1, 1, 1]
    settings = settings_of("f1_weighted")  # another search
    asked, run = spoilt(9, impossible)
    best = search(settings, Record(settings), run, 2)
    assert asked == [0, 1, 1, 1]
    assert best.number == 0
    assert "trial 1: failed, depth is negative\n" in capsys.readouterr().out
    assert Record(settings).trials()[1][1].error == "depth is negative"
    settings = settings_of("r2")
    _, run = spoilt(9, lost)
    with pytest.raises(SearchError, match=r"Trial 1 could not be made in 3 attempts: no space left\. The finished"):
        search(settings, Record(settings), run, 2)
    assert list(Record(settings).trials()) == [0]
    settings = settings_of("max_error")
    _, run = spoilt(9, impossible, number=0)
    with pytest.raises(SearchError, match=r"No trial of the first batch could be made\. The first: depth is negative"):
        search(settings, Record(settings), run, 1)


@pytest.mark.usefixtures("here")
def test_a_trial_that_is_below_half_of_the_others_stops_early(capsys: pytest.CaptureFixture[str]) -> None:
    def run(tasks: list[Task]) -> Answers:
        for task in tasks:  # the seventh is hopeless after its first fold
            first = 0.1 if task.number == 6 else 0.8
            yield task, Outcome((first,) if is_hopeless([first], task.floors) else (first, 0.9))

    settings = settings_of()
    assert search(settings, Record(settings), run, 8).number != 6
    said = capsys.readouterr().out
    assert "trial 6: accuracy 0.1000, stopped after 1 of 2 folds, " in said
    assert said.count("stopped") == 1


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(here: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`poe search` in this process, whose signals are as before afterwards."""

    def call(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["search", *words])
        commands.main()

    before = signal.getsignal(signal.SIGINT)
    with mock.patch.dict(os.environ):
        os.environ.pop("RAY_ADDRESS", None)
        yield call
    signal.signal(signal.SIGINT, before)
    atexit.unregister(commands.end)


def test_a_worker_that_dies_loses_nothing_and_the_winner_is_in_params_yaml(
    here: Project, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(here.root / f"src/{here.package}/killing", "3")
    command("--trials", "2", "--workers", "1")
    assert not (here.root / f"src/{here.package}/killing").exists()
    said = capsys.readouterr().out
    assert [line.split(":")[0] for line in sorted(said.splitlines()) if line.startswith("trial")] == [
        "trial 0",
        "trial 1",
    ]
    asked, found, winner = searched(2)
    assert asked == []
    assert params()["model"] == {**START, **winner}
    assert len(found) == 2
    command("--trials", "2", "--workers", "1")
    assert "params.yaml has its values already." in capsys.readouterr().out


def test_what_cannot_begin_or_is_interrupted_is_a_sentence(
    here: Project, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command("--trials", "0")
    with FileLock(here.root / ".search.lock"), pytest.raises(SystemExit, match="Another search is running"):
        command()

    class Interrupted(Crew):
        def run(self, tasks: list[Task]) -> Answers:
            yield next(super().run(tasks))
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(commands, "workers_for", lambda settings, _: Interrupted(read_objective(settings)))
    with pytest.raises(SystemExit, match=r"Stopped\. The finished trials are kept; the same command goes on"):
        command()
    assert searched(2)[0] == [1]
    (here.root / "data/prepared/train.parquet").unlink()
    with pytest.raises(SystemExit, match=r"There is no training part yet\. Make it: uv run poe repro"):
        command()
