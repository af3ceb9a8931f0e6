"""The search measures fairly, stops what is hopeless, and changes nothing but the values."""

from dataclasses import replace
from pathlib import Path

import pytest
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, params, using
from mlops_kit.search import SearchError, record, space
from mlops_kit.search.objective import Objective, Task, assign_folds, is_hopeless

from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

IMPOSSIBLE = {"sklearn": {"no_such_parameter": 1}, "lightgbm": {"num_leaves": -1}}


@kinds("grades", "prices")
def test_equal_rows_are_in_one_fold_and_every_fold_has_rows(contract: Contract) -> None:
    frame = contract.sample(90)
    twice = frame.loc[[*range(90), *range(20)]].reset_index(drop=True)
    folds = assign_folds(contract, twice, folds=3, seed=1)
    assert (folds[:20] == folds[90:]).all()
    assert sorted(set(folds)) == [0, 1, 2]


def test_a_trial_is_hopeless_below_the_floor_of_its_fold() -> None:
    assert is_hopeless([0.5], (0.6, 0.7))
    assert not is_hopeless([0.9, 0.5], (0.6, 0.7))
    assert not is_hopeless([0.1], ())


@kinds("plain", "light_prices")
def test_parameters_that_cannot_be_are_an_answer_and_no_end(project: Project, contract: Contract) -> None:
    frame = contract.sample(60)
    folds = assign_folds(contract, frame, folds=3, seed=1)
    metric = params()["evaluate"]["primary"]
    objective = Objective(project, contract, frame, folds, metric, params()["model"])
    outcome = objective.try_out(Task(0, IMPOSSIBLE[project.framework], ()))
    assert outcome.error
    assert not outcome.machine
    assert len(objective.try_out(Task(1, {}, ())).scores) == 3


def test_only_the_values_change_in_params_yaml(project: Project, tmp_path: Path) -> None:
    text = "# mine\nmodel: {depth: 3, rate: 0.1}  # both\n\nother:\n    depth:   3 # another one\n"
    write(tmp_path / "params.yaml", text)
    with using(replace(project, root=tmp_path)):
        assert space.write_winner({"depth": 12, "rate": 1e-05})
        written = (tmp_path / "params.yaml").read_text(encoding="utf-8")
        assert written == text.replace("{depth: 3, rate: 0.1}", "{depth: 12, rate: 1.0e-05}")
        assert not space.write_winner({"depth": 12, "rate": 1e-05})


@kinds("plain", "light_grades")
def test_the_search_that_the_template_has_can_be_read(project: Project, tmp_path: Path) -> None:
    settings = space.read_settings(params())
    assert settings.space.keys() == settings.start.keys() <= params()["model"].keys()
    assert not settings.fixed.keys() & settings.space.keys()


SENSELESS = {
    None: r"search\.yaml is missing",
    "model: [": r"search\.yaml cannot be understood",
    "{seed: 1, batch: 1, folds: 2, model: {unheard: {choices: [1]}}}": r"'unheard' is not in params\.yaml's section",
    "{seed: 1, batch: 0, folds: 2, model: {}}": r"batch is 1 or more",
    "{seed: 1, batch: 1, folds: 2, model: {max_iter: {low: 1}}}": r"max_iter needs from and to",
}


@pytest.mark.parametrize("text", SENSELESS)
def test_a_search_that_makes_no_sense_is_one_sentence(text: str | None, project: Project, tmp_path: Path) -> None:
    here = copied(project, tmp_path, "params.yaml")
    if text is not None:
        write(tmp_path / "search.yaml", text)
    with using(here), pytest.raises(SearchError, match=SENSELESS[text]):
        space.read_settings(params())


def test_a_search_over_other_rows_is_another_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = space.Settings(seed=1, batch=2, folds=2, metric="accuracy", space={}, fixed={}, start={})
    monkeypatch.setattr(record, "digest", lambda file: file.name)  # neither the data nor Optuna need be here
    marks = []
    for rows in (1_000_000, 500_000, 1_000_000):
        monkeypatch.setattr(record, "rows_in_memory", lambda rows=rows: rows)
        marks.append(record.fingerprint(settings))
    assert marks[0] == marks[2] != marks[1]
