"""The service answers as the model does, and says clearly what is wrong with a request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from {{ package_name }} import serve, train
from {{ package_name }}.contract import Contract
from {{ package_name }}.inference import DATATYPES
from {{ package_name }}.tracking import NAME


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


def as_tensors(rows: list[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """Rows as the Open Inference Protocol has them."""
    return [
        dict(name=one.name, datatype=DATATYPES[one.type], shape=[len(rows)], data=[row[one.name] for row in rows])
        for one in contract.features
    ]


def test_the_open_inference_protocol_answers_the_same(contract: Contract, client: TestClient) -> None:
    rows = rows_as_json(contract, 12)
    plain = client.post("/predict", json={"rows": rows}).json()
    found = client.post(f"/v2/models/{NAME}/infer", json={"id": "7", "inputs": as_tensors(rows, contract)})
    assert found.status_code == 200, found.text
    told = found.json()
    assert (told["id"], told["model_version"], told["outputs"][0]["shape"]) == ("7", "test", [12])
    assert told["outputs"][0]["data"] == plain["predictions"]
    metadata = client.get(f"/v2/models/{NAME}").json()
    assert [one["name"] for one in metadata["inputs"]] == [one.name for one in contract.features]
    assert [one["name"] for one in metadata["outputs"]] == [one["name"] for one in told["outputs"]]
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", f"/v2/models/{NAME}/ready"):
        assert client.get(path).status_code == 200


def test_the_same_rules_hold_for_both_protocols(contract: Contract, client: TestClient) -> None:
    tensors = as_tensors(rows_as_json(contract, 3), contract)
    address = f"/v2/models/{NAME}/infer"
    wrong = [dict(tensors[0], data=[dict(), 1, 2]), *tensors[1:]]
    assert contract.features[0].name in client.post(address, json={"inputs": wrong}).text
    assert client.post(address, json={"inputs": [*tensors, dict(tensors[0], name="unheard of")]}).status_code == 422
    assert client.post(address, json={"inputs": [dict(tensors[0], shape=[4]), *tensors[1:]]}).status_code == 422
    assert client.post(address, json={"inputs": []}).status_code == 422
    assert client.post("/v2/models/another/infer", json={"inputs": tensors}).status_code == 404


def test_a_request_has_an_id_and_is_counted(contract: Contract, client: TestClient, capfd: Any) -> None:
    rows = rows_as_json(contract, 4)
    found = client.post("/predict", json={"rows": rows}, headers={"X-Request-ID": "mine"})
    assert found.headers["x-request-id"] == "mine"
    assert client.get("/health").headers["x-request-id"] != "mine"
    numbers = client.get("/metrics").text
    assert 'service_requests_total{path="/predict",status="200"} 1.0' in numbers
    assert "service_rows_total 4.0" in numbers
    assert 'service_model_info{version="test"} 1.0' in numbers
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert ("mine", "/predict", 200) in [(line["request"], line["path"], line["status"]) for line in lines]


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 2**20

    assert client.post("/predict", content=b" " * (50 * 2**20)).status_code == 413
    assert client.post("/predict", content=endless()).status_code == 413
    assert client.get("/health").status_code == 200


def test_the_prediction_log_has_every_row(
    contract: Contract, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "logs"))
    rows = rows_as_json(contract, 5)
    with TestClient(serve.create_app()) as logged:
        answers = [logged.post("/predict", json={"rows": rows}).json()["predictions"] for _ in range(3)]
    (file,) = (tmp_path / "logs").glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["prediction"] for line in lines] == [one for batch in answers for one in batch]
    assert set(lines[0]["row"]) == {column.name for column in contract.features}


def test_a_log_that_cannot_be_written_fails_no_request(
    contract: Contract, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "taken"))
    app = serve.create_app()
    with TestClient(app) as logged:
        assert logged.post("/predict", json={"rows": rows_as_json(contract, 5)}).status_code == 200
    with TestClient(app) as after:
        assert "service_log_lost_rows_total 5.0" in after.get("/metrics").text


def test_without_a_model_the_service_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "nothing"))
    with TestClient(serve.create_app()) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        assert "no model" in client.get("/ready").json()["detail"]
