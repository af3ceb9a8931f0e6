"""The service answers as the model does, and says clearly what is wrong with a request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from {{ package_name }} import serve, train
from {{ package_name }}.contract import Contract


@pytest.fixture
def client(contract: Contract, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service with the tests' own model, saved and loaded as the champion would be."""
    monkeypatch.setattr(train, "ROOT", tmp_path)
    (tmp_path / "src").symlink_to(Path(train.__file__).parents[1])
    train.save(model, contract)
    (tmp_path / "model/run_id").write_text("test\n", encoding="utf-8")
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "model"))
    with TestClient(serve.create_app()) as client:
        yield client


def rows_as_json(contract: Contract, count: int) -> list[dict[str, Any]]:
    """Generated rows as a caller would send them."""
    rows = contract.sample(count).drop(columns=contract.target)
    return json.loads(rows.to_json(orient="records", date_format="iso"))


def test_answers_equal_the_offline_predictions(contract: Contract, model: Any, client: TestClient) -> None:
    rows = rows_as_json(contract, 20)
    found = client.post("/predict", json={"rows": rows})
    assert found.status_code == 200, found.text
    expected = model.predict(contract.coerce(contract.sample(20)))
    assert found.json()["predictions"] == pytest.approx(expected.tolist())


def test_a_ready_service_says_so(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json() == {"status": "ready", "version": "test"}


def test_an_unknown_column_is_named(contract: Contract, client: TestClient) -> None:
    rows = [{**rows_as_json(contract, 1)[0], "unheard of": 1}]
    found = client.post("/predict", json={"rows": rows})
    assert found.status_code == 422
    assert "unheard of" in found.text


def test_a_value_of_the_wrong_type_is_named(contract: Contract, client: TestClient) -> None:
    name = contract.features[0].name
    rows = [{**rows_as_json(contract, 1)[0], name: {"not": "a value"}}]
    found = client.post("/predict", json={"rows": rows})
    assert found.status_code == 422
    assert name in found.json()["detail"][0]["loc"]


def test_an_empty_batch_is_refused(client: TestClient) -> None:
    assert client.post("/predict", json={"rows": []}).status_code == 422


def test_without_a_model_the_service_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "nothing"))
    with TestClient(serve.create_app()) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        assert "no model" in client.get("/ready").json()["detail"]
