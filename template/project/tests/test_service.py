"""The service answers as the model does, and says what is wrong with a row."""

from typing import Any

import pytest
from mlops_kit.contract import Contract
from mlops_kit.serving.endpoint import rows_as_json
from mlops_kit.serving.predict import predictions
from mlops_kit.testing.services import Service


def test_it_answers_as_the_model_does(service: Service, contract: Contract, model: Any) -> None:
    rows = contract.sample(20)
    expected = predictions(model, contract, rows)["prediction"].tolist()
    assert service.predict(rows) == (expected if contract.classes else pytest.approx(expected, rel=1e-5))


def test_a_row_that_breaks_the_contract_is_refused_with_its_place(service: Service, contract: Contract) -> None:
    (row,) = rows_as_json(contract, contract.sample(1))
    column = contract.features[0].name
    refused = service.ask([{**row, column: {"no": "value"}}])
    assert 400 <= refused.status < 500
    assert refused.names(column)
