"""The model is worth serving: better than a guess, stable, reproducible, fast."""

from typing import Any

import numpy as np
import pandas as pd

from {{ package_name }} import params
from {{ package_name }}.contract import Contract
from {{ package_name }}.evaluate import latency_ms, score, score_slices
from {{ package_name }}.model import baseline, build
from {{ package_name }}.tracking import prediction_hash
from {{ package_name }}.train import signature

Parts = tuple[pd.DataFrame, pd.DataFrame]


def test_the_model_beats_the_baseline(contract: Contract, parts: Parts, model: Any) -> None:
    train, test = parts
    primary = params()["evaluate"]["primary"]
    guess = baseline().fit(contract.coerce(train), contract.labels(train))
    ours = score(model, contract, test, [primary])[primary]
    assert ours > score(guess, contract, test, [primary])[primary]


def test_the_same_training_gives_the_same_predictions(contract: Contract, parts: Parts, model: Any) -> None:
    train, test = parts[0].head(5000), parts[1]
    again = build(contract, params()["model"]).fit(contract.coerce(train), contract.labels(train))
    assert prediction_hash(again, contract.coerce(test)) == prediction_hash(model, contract.coerce(test))


def test_the_order_of_rows_and_columns_does_not_matter(contract: Contract, model: Any) -> None:
    rows = contract.sample(50)
    answers = model.predict(contract.coerce(rows))
    turned = rows[rows.columns[::-1]].iloc[::-1]
    assert (model.predict(contract.coerce(turned))[::-1] == answers).all()


def test_a_column_that_is_not_in_the_contract_does_not_matter(contract: Contract, model: Any) -> None:
    rows = contract.sample(20)
    answers = model.predict(contract.coerce(rows))
    assert (model.predict(contract.coerce(rows.assign(unheard_of=np.arange(len(rows))))) == answers).all()


def test_missing_values_are_answered(contract: Contract, model: Any) -> None:
    rows = contract.sample(5)
    rows[[column.name for column in contract.features]] = None
    assert len(model.predict(contract.coerce(rows))) == 5


def test_no_slice_is_left_without_a_score(contract: Contract, parts: Parts, model: Any) -> None:
    settings = params()["evaluate"]
    for name, found in score_slices(model, contract, parts[1], settings):
        assert np.isfinite(found[settings["primary"]]), name


def test_the_signature_follows_the_contract(contract: Contract) -> None:
    assert signature(contract).inputs.input_names() == [column.name for column in contract.features]


def test_one_row_is_answered_within_the_budget(contract: Contract, model: Any) -> None:
    assert latency_ms(model, contract.coerce(contract.sample(50))) < params()["gates"]["latency_ms"]
