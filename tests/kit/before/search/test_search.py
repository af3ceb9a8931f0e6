"""The search measures fairly, stops what is hopeless, and changes nothing but the values."""

from pathlib import Path

import pytest

from {{ package_name }} import params
from {{ package_name }}.contract import Contract
from {{ package_name }}.search import record, space
from {{ package_name }}.search.objective import Objective, Task, assign_folds, is_hopeless


def test_equal_rows_are_in_one_fold_and_every_fold_has_rows(contract: Contract) -> None:
    frame = contract.sample(90)
    twice = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
    folds = assign_folds(contract, twice, folds=3, seed=1)
    assert (folds[::2] == folds[1::2]).all()
    assert sorted(set(folds)) == [0, 1, 2]


def test_a_trial_is_hopeless_below_the_floor_of_its_fold() -> None:
    assert is_hopeless([0.5], (0.6, 0.7))
    assert not is_hopeless([0.9, 0.5], (0.6, 0.7))
    assert not is_hopeless([0.1], ())


def test_parameters_that_cannot_be_are_an_answer_and_no_end(contract: Contract) -> None:
    frame = contract.sample(60)
    folds = assign_folds(contract, frame, folds=3, seed=1)
    cannot_be = {% if framework == 'sklearn' %}{"no_such_parameter": 1}{% elif framework == 'lightgbm' %}{"num_leaves": -1}{% else %}{"dropout": 2.0}{% endif %}

    outcome = Objective(contract, frame, folds, "accuracy", params()["model"]).try_out(Task(0, cannot_be, ()))
    assert outcome.error
    assert not outcome.machine


def test_only_the_values_change_in_params_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# mine\nmodel: {depth: 3, rate: 0.1}  # both\n\nother:\n    depth:   3 # another one\n"
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(space, "ROOT", tmp_path)
    assert space.write_winner({"depth": 12, "rate": 1e-05})
    written = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert written == text.replace("{depth: 3, rate: 0.1}", "{depth: 12, rate: 1.0e-05}")
    assert not space.write_winner({"depth": 12, "rate": 1e-05})


def test_a_search_over_other_rows_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = space.Settings(seed=1, batch=2, folds=2, metric="accuracy", space={}, fixed={}, start={})
    monkeypatch.setattr(record, "digest", lambda file: file.name)  # neither the data nor Optuna need be here
    monkeypatch.setattr("importlib.metadata.version", lambda package: "1")
    marks = []
    for rows in (1_000_000, 500_000, 1_000_000):
        monkeypatch.setattr(record, "rows_in_memory", lambda rows=rows: rows)
        marks.append(record.fingerprint(settings))
    assert marks[0] == marks[2] != marks[1]
