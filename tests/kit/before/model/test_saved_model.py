"""The SavedModel answers as the model does, and refuses what the contract refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from {{ package_name }}.contract import Column, Contract
from {{ package_name }}.predict import predictions
from {{ package_name }}.saved_model import WANTED, checks, export, inputs
from {{ package_name }}.tensorflow_quietly import tensorflow as tf

from .runner import Runner


@pytest.fixture(scope="module")
def runner(contract: Contract, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The tests' own model, exported."""
    folder: Path = tmp_path_factory.mktemp("exported") / "saved_model"
    export(model, contract, folder)
    return Runner(folder)


def test_its_inputs_are_the_contracts_columns(runner: Runner, contract: Contract) -> None:
    assert set(runner.signature.inputs) == {column.name for column in contract.features}


def test_it_answers_as_the_model_does(runner: Runner, contract: Contract, model: Any) -> None:
    rows = contract.sample(50)
    found, expected = runner.run(inputs(contract, rows)), predictions(model, contract, rows)
    if not contract.classes:
        assert found["prediction"] == pytest.approx(expected["prediction"].to_numpy(), rel=1e-5)
        return
    answers = [value.decode() if isinstance(value, bytes) else value for value in found["prediction"].tolist()]
    assert answers == expected["prediction"].tolist()
    assert np.allclose(found["probability"], expected.iloc[:, 1:], atol=1e-5)


def test_what_the_contract_refuses_is_refused_by_name(runner: Runner, contract: Contract) -> None:
    for column in contract.features:
        given = inputs(contract, contract.sample(3))
        wrong = "never" if column.type in ("categorical", "date", "text") else float("inf")
        if column.type in ("categorical", "text"):
            continue  # any string will do
        given[column.name] = [*given[column.name][:2], wrong]
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"must be {WANTED[column.type]}"):
            runner.run(given)


@pytest.mark.parametrize("day", ["2026-02-31", "2026-04-31", "2026-13-01", "2025-02-29", "1900-02-29"])
def test_a_day_that_no_calendar_has_is_refused(day: str) -> None:
    column = Column("sold", "date")
    list(checks(column, tf.constant(["2024-02-29", "2000-02-29", "2026-01-31T12:30:00", "2026-04-30"])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a date"):
        list(checks(column, tf.constant([day])))


def test_a_missing_value_needs_the_contracts_leave(runner: Runner, contract: Contract) -> None:
    for column in contract.features:
        given = inputs(contract, contract.sample(2))
        given[column.name] = [given[column.name][0], "" if isinstance(given[column.name][0], str) else float("nan")]
        if column.nulls:
            assert len(runner.run(given)["prediction"]) == 2
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be"):
                runner.run(given)
