"""The model is worth serving: better than a guess, stable, reproducible, fast."""

from typing import Any

import numpy as np
import pandas as pd
from mlops_kit.contract import Contract
from mlops_kit.ground import params, project
from mlops_kit.models import prediction_hash, signature
from mlops_kit.training import latency_ms, score, score_slices

Parts = tuple[pd.DataFrame, pd.DataFrame]


def test_the_model_beats_the_baseline(contract: Contract, parts: Parts, model: Any) -> None:
    train, test = parts
    primary = params()["evaluate"]["primary"]
    guess = project().model.baseline().fit(contract.coerce(train), contract.labels(train))
    ours = score(model, contract, test, [primary])[primary]
    assert ours > score(guess, contract, test, [primary])[primary]


def test_the_same_training_gives_the_same_predictions(contract: Contract, parts: Parts, model: Any) -> None:
    train, test = parts[0].head(5000), parts[1]
    again = project().model.build(contract, params()["model"]).fit(contract.coerce(train), contract.labels(train))
    assert prediction_hash(again, contract.coerce(test)) == prediction_hash(model, contract.coerce(test))


def test_the_order_of_rows_and_columns_does_not_matter(contract: Contract, model: Any) -> None:
    rows = contract.sample(50)
    answers = model.predict(contract.coerce(rows))
    turned = rows[rows.columns[::-1]].iloc[::-1]
    again = model.predict(contract.coerce(turned))[::-1]
    # Numbers may differ in their last digits: those of a sum depend on the order of its terms.
    assert (again == answers).all() if contract.classes else np.allclose(again, answers)


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
