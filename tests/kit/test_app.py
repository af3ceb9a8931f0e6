"""The service answers as the model does, and says clearly what is wrong with a request."""

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlops_kit.contract import Column, Contract
from mlops_kit.ground import KitError, project
from mlops_kit.serving import observe, prediction_log
from mlops_kit.serving.app import create_app, serve, with_front_page
from mlops_kit.serving.predict import predictions
from mlops_kit.serving.protocol import DATATYPES
from mlops_kit.serving.rows import RowReader, RowsError

from tests.kit.kinds import kinds

EVERY = kinds("grades", "prices")


@pytest.fixture
def settings(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the service is told: that model, and a prediction log in `tmp_path`."""
    monkeypatch.setenv("MODEL_DIR", str(saved))
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "log"))
    monkeypatch.delenv("PREDICTION_LOG_DAYS", raising=False)


@pytest.fixture
def client(settings: None) -> Iterator[TestClient]:
    """The running service."""
    with TestClient(create_app()) as client:
        yield client


def rows_as_json(contract: Contract, count: int) -> list[dict[str, Any]]:
    """Generated rows as a caller would send them."""
    rows = contract.sample(count).drop(columns=contract.target)
    found: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", date_format="iso"))
    return found


@EVERY
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


@EVERY
def test_a_column_that_the_contract_ignores_is_not_read(contract: Contract) -> None:
    rows = rows_as_json(contract, 3)
    sent = [{**row, "customer": value} for row, value in zip(rows, (1, None, {"any": "thing"}), strict=True)]
    reader = RowReader(replace(contract, ignored={"customer": "identifier"}))
    assert list(reader.read_body(json.dumps({"rows": sent}).encode())) == [column.name for column in contract.features]
    assert list(reader.read_rows(sent)) == [column.name for column in contract.features]
    assert "customer" in json.dumps(reader.schema())


@EVERY
def test_a_value_of_the_wrong_type_is_named(contract: Contract, client: TestClient) -> None:
    name = contract.features[0].name
    rows = [{**rows_as_json(contract, 1)[0], name: {"not": "a value"}}]
    found = client.post("/predict", json={"rows": rows})
    assert found.status_code == 422
    assert name in found.json()["detail"][0]["loc"]


def test_an_empty_batch_is_refused(client: TestClient) -> None:
    assert client.post("/predict", json={"rows": []}).status_code == 422


@pytest.mark.usefixtures("project")
def test_without_a_model_the_service_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "nothing"))
    with TestClient(create_app()) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        assert "no model" in client.get("/ready").json()["detail"]


# --- the Open Inference Protocol -------------------------------------------------------------------------------------


def tensors(contract: Contract, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same rows as tensors."""
    shape = [len(rows)]
    inputs = [
        dict(name=c.name, shape=shape, datatype=DATATYPES[c.type], data=[row.get(c.name) for row in rows])
        for c in contract.features
    ]
    return dict(id="7", inputs=inputs)


@EVERY
def test_the_protocol_answers_as_predict_does(contract: Contract, model: Any, client: TestClient) -> None:
    rows = rows_as_json(contract, 20)
    found = client.post(f"/v2/models/{project().name}/infer", json=tensors(contract, rows))
    assert found.status_code == 200, found.text
    assert (found.json()["id"], found.json()["model_version"]) == ("7", "test")
    expected = predictions(model, contract, contract.sample(20))
    outputs = {output["name"]: output for output in found.json()["outputs"]}
    assert outputs["prediction"]["data"] == client.post("/predict", json={"rows": rows}).json()["predictions"]
    assert outputs["prediction"]["data"] == pytest.approx(expected["prediction"].tolist())
    if contract.classes:
        assert outputs["probability"]["shape"] == [20, len(contract.classes)]
        assert outputs["probability"]["data"] == pytest.approx(expected.iloc[:, 1:].to_numpy().ravel().tolist())


@EVERY
def test_the_metadata_names_what_infer_takes_and_gives(contract: Contract, client: TestClient) -> None:
    told = client.get(f"/v2/models/{project().name}").json()
    asked = tensors(contract, rows_as_json(contract, 2))
    assert [(t["name"], t["datatype"]) for t in told["inputs"]] == [(t["name"], t["datatype"]) for t in asked["inputs"]]
    answer = client.post(f"/v2/models/{project().name}/infer", json=asked).json()
    assert [(t["name"], t["datatype"]) for t in told["outputs"]] == [
        (t["name"], t["datatype"]) for t in answer["outputs"]
    ]
    assert told["versions"] == ["test"]


def test_each_version_that_is_named_can_be_asked_and_no_other(contract: Contract, client: TestClient) -> None:
    asked = tensors(contract, rows_as_json(contract, 2))
    model = client.get(f"/v2/models/{project().name}").json()
    for version in model["versions"]:
        of_it = f"/v2/models/{project().name}/versions/{version}"
        assert client.get(of_it).json() == model
        assert client.get(f"{of_it}/ready").json() == {"name": project().name, "ready": True}
        answer = client.post(f"{of_it}/infer", json=asked)
        assert answer.json() == client.post(f"/v2/models/{project().name}/infer", json=asked).json()
    other, unheard = f"/v2/models/{project().name}/versions/other", f"/v2/models/unheard/versions/{version}"
    for path in (other, unheard):
        for found in (client.get(path), client.get(f"{path}/ready"), client.post(f"{path}/infer", json=asked)):
            assert found.status_code == 404
            assert path.split("/")[-1 if path == other else 3] in found.json()["error"]


def test_live_and_ready(client: TestClient) -> None:
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", f"/v2/models/{project().name}/ready"):
        assert client.get(path).status_code == 200, path
    assert client.get("/v2/models/another").status_code == 404
    assert project().name in client.get("/v2/models/another").json()["error"]


@EVERY
def test_a_tensor_of_another_shape_or_type_is_named(contract: Contract, client: TestClient) -> None:
    changes: list[dict[str, Any]] = [dict(shape=[3]), dict(shape=[2, 2]), dict(datatype="UNHEARD"), dict(data=[])]
    for change in changes:
        asked = tensors(contract, rows_as_json(contract, 2))
        asked["inputs"][-1] |= change
        found = client.post(f"/v2/models/{project().name}/infer", json=asked)
        assert found.status_code == 422
        assert contract.features[-1].name in found.json()["error"]


# --- what is refused, the same way on both ---------------------------------------------------------------------------


def wrong_values(contract: Contract) -> list[tuple[str, str]]:
    """Columns, and JSON that they must not hold."""
    values = {"numeric": ["1e999", "NaN", '"many"', "true"], "boolean": ["2", "0.9999999999", "1e-12", '"perhaps"']}
    return [(c.name, text) for c in contract.features[:5] for text in [*values.get(c.type, ["1"]), "[]", "{}"]]


@EVERY
def test_a_wrong_value_is_refused_by_row_and_column(contract: Contract, client: TestClient) -> None:
    rows = rows_as_json(contract, 3)
    for name, text in wrong_values(contract):
        marked = [rows[0], rows[1], {**rows[2], name: "@"}]
        bodies = {"/predict": {"rows": marked}, f"/v2/models/{project().name}/infer": tensors(contract, marked)}
        for path, body in bodies.items():
            found = client.post(path, content=json.dumps(body).replace('"@"', text))
            assert found.status_code == 422, (path, name, text)
            assert found.json()["detail"][0]["loc"] == ["body", "rows", 2, name]
            assert "Row 2" in found.json()["detail"][0]["msg"]


def test_every_wrong_row_is_named_up_to_ten(contract: Contract, client: TestClient) -> None:
    rows: list[Any] = rows_as_json(contract, 40)
    name = contract.features[0].name
    for number in range(1, 40, 2):
        rows[number][name] = {}
    rows[3] = 7
    told = client.post("/predict", json={"rows": rows}).json()["detail"]
    assert [one["loc"][2] for one in told] == [*range(1, 20, 2)]
    assert "must be an object" in told[1]["msg"]
    assert told[9]["loc"] == ["body", "rows", 19, name]


@pytest.mark.parametrize("raw", ["2", "0.9999999999", "1e-12", '"perhaps"', "[]"])
def test_a_truth_is_1_or_0_exactly_whatever_its_column_is_called(contract: Contract, raw: str) -> None:
    reader = RowReader(replace(contract, columns=(Column("rows", "boolean"), contract.target_column)))
    good = reader.read_body(b'{"rows": [{"rows": true}, {"rows": 0}, {"rows": 1.0}]}')
    assert good["rows"].tolist() == [1, 0, 1]
    ways: list[Callable[[], object]] = [
        lambda: reader.read_body(b'{"rows": [{"rows": @}]}'.replace(b"@", raw.encode())),
        lambda: reader.read_rows([{"rows": json.loads(raw)}]),
    ]
    for read in ways:
        with pytest.raises(RowsError) as refused:
            read()
        (told,) = refused.value.problems
        assert told["loc"] == ["body", "rows", 0, "rows"]
        assert "must be true or false" in told["msg"]


@EVERY
def test_a_missing_value_needs_the_contracts_leave(contract: Contract, model: Any, client: TestClient) -> None:
    row = rows_as_json(contract, 1)[0]
    for column in contract.features:
        nothing = {name: value for name, value in row.items() if name != column.name}
        for rows in ([nothing], [{**row, column.name: None}]):
            found = client.post("/predict", json={"rows": rows})
            assert found.status_code == (200 if column.nulls else 422), column.name


@EVERY
def test_a_huge_number_is_refused_for_every_model(contract: Contract, client: TestClient) -> None:
    row = rows_as_json(contract, 1)[0]
    for name in contract.of_type("numeric")[:2]:
        for text, status in (("1e38", 200), ("-1e308", 422), ("1e308", 422), ("1" + "0" * 400, 422), ("9" * 5000, 422)):
            body = json.dumps({"rows": [{**row, name: "@"}]}).replace('"@"', text)
            assert client.post("/predict", content=body).status_code == status, text[:20]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"rows": 1}', b'{"rows": [1]}', b"\xff", b'"\\ud800"'])
def test_what_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    for path in ("/predict", f"/v2/models/{project().name}/infer"):
        assert client.post(path, content=body).status_code == 422


@EVERY
def test_the_short_way_to_typed_columns_is_the_contracts(contract: Contract) -> None:
    rows = rows_as_json(contract, 200)
    found = pd.DataFrame(RowReader(contract).read_body(json.dumps({"rows": rows}).encode()))
    pd.testing.assert_frame_equal(contract.coerce(found), contract.coerce(pd.DataFrame(rows)))


# --- what can be seen from outside -----------------------------------------------------------------------------------


def test_a_request_has_an_id_and_a_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert client.get("/health", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert len(client.get("/health", headers={"x-request-id": "no blanks"}).headers["x-request-id"]) == 32
    record = next(record for record in caplog.records if getattr(record, "told", None))
    line = json.loads(observe.JsonLines().format(record))
    assert {"time", "request", "method", "path", "status", "ms"} <= set(line)
    assert (line["request"], line["path"], line["status"]) == ("mine-1", "/health", 200)


@pytest.mark.usefixtures("settings")
def test_a_route_that_fails_is_an_answer_with_an_id_and_a_line_with_the_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    application = create_app()
    application.add_api_route("/mine", lambda: 1 / 0)
    caplog.set_level(logging.INFO)
    with TestClient(application) as client:
        reply = client.get("/mine", headers={"x-request-id": "mine-1"})
    assert (reply.status_code, reply.json()["detail"]) == (500, "The service failed; its log says why, under mine-1.")
    lines = [json.loads(observe.JsonLines().format(record)) for record in caplog.records]
    assert any("ZeroDivisionError" in line.get("traceback", "") for line in lines)
    (request,) = [line for line in lines if line.get("request") == "mine-1"]
    assert (request["status"], request["error"]) == (500, "ZeroDivisionError: division by zero")


def test_the_front_page_is_the_documentation_or_the_projects_own(settings: None) -> None:
    with TestClient(with_front_page(create_app())) as client:
        found = client.get("/")
    assert (found.status_code, found.url.path) == (200, "/docs")
    application = create_app()
    application.add_api_route("/", lambda: "mine")
    with TestClient(with_front_page(application)) as client:
        assert client.get("/").json() == "mine"


@pytest.mark.usefixtures("project")
def test_poe_serve_ends_with_a_sentence_before_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "log_as_json", lambda: None)  # it would take the log of these tests
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["serve", "--port", taken])
        with pytest.raises(SystemExit, match=rf"^Port {taken} is taken\. .*: uv run poe serve --port \d+$"):
            serve(lambda: pytest.fail("a model was loaded"))
    monkeypatch.setenv("MAX_ROWS", "many")
    with pytest.raises(SystemExit, match="MAX_ROWS"):
        serve(lambda: pytest.fail("a model was loaded"))


@EVERY
def test_the_metrics_count(contract: Contract, client: TestClient) -> None:
    client.post("/predict", json={"rows": rows_as_json(contract, 7)})
    client.get("/unheard/of")
    text = client.get("/metrics").text
    assert "predicted_rows_total 7.0" in text
    assert 'http_requests_total{path="/predict",status="200"} 1.0' in text
    assert 'http_requests_total{path="other",status="404"} 1.0' in text
    assert 'model_info{version="test"} 1.0' in text
    assert "http_request_duration_seconds_bucket" in text


def logged(folder: Path) -> list[dict[str, Any]]:
    """The lines of the prediction log."""
    return [json.loads(line) for file in folder.glob("predictions-*.jsonl") for line in file.read_text().splitlines()]


@EVERY
def test_the_prediction_log_has_every_row(contract: Contract, settings: None, tmp_path: Path) -> None:
    with TestClient(create_app()) as client:  # its end writes what is waiting
        body = {"rows": rows_as_json(contract, 5)}
        answer = client.post("/predict", json=body, headers={"x-request-id": "five"}).json()
    lines = logged(tmp_path / "log")
    assert [line["prediction"] for line in lines] == answer["predictions"]
    assert {(line["request"], line["version"]) for line in lines} == {("five", "test")}
    assert list(lines[0]["row"]) == [column.name for column in contract.features]


def test_a_log_that_was_cut_in_the_middle_loses_no_row_after_it(
    contract: Contract, settings: None, tmp_path: Path
) -> None:
    body = {"rows": rows_as_json(contract, 5)}
    for _ in range(2):
        with TestClient(create_app()) as client:
            client.post("/predict", json=body)
        (file,) = (tmp_path / "log").glob("predictions-*.jsonl")
        whole = file.read_bytes()
        file.write_bytes(whole[:-30])  # as if it had been killed while it wrote
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10
    assert [number for number, line in enumerate(lines) if not line.endswith("}")] == [4, 9]


def test_of_a_log_that_is_kept_for_some_days_only_its_own_older_files_go(
    contract: Contract, settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = {ago: f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}" for ago in (1, 30, 32)}
    kept = [f"predictions-{day[1]}-7.jsonl", f"predictions-{day[30]}-7.jsonl", f"predictions-{day[32]}-mine.jsonl"]
    kept += [f"predictions-{day[32]}-7.jsonl.gz", f"my-predictions-{day[32]}-7.jsonl", "predictions-2020-02-30-7.jsonl"]
    gone = [f"predictions-{day[32]}-7.jsonl", f"predictions-{day[32]}-8.jsonl"]
    (tmp_path / "log").mkdir()
    for name in kept + gone:
        (tmp_path / "log" / name).write_text("{}\n", encoding="utf-8")
    for days in ("", "30"):
        assert set(kept + gone) <= {path.name for path in (tmp_path / "log").iterdir()}
        monkeypatch.setenv("PREDICTION_LOG_DAYS", days)
        for today in (tmp_path / "log").glob(f"*-{os.getpid()}.jsonl"):
            today.unlink()
        with TestClient(create_app()) as client:
            assert client.post("/predict", json={"rows": rows_as_json(contract, 2)}).status_code == 200
    left = {path.name for path in (tmp_path / "log").iterdir()}
    assert left == {*kept, f"predictions-{datetime.now(UTC):%Y-%m-%d}-{os.getpid()}.jsonl"}


@pytest.mark.parametrize("days", ["0", "-3", "a week", "1.5"])
def test_a_number_of_days_to_keep_that_is_none_is_said(
    days: str, settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICTION_LOG_DAYS", days)
    with pytest.raises(KitError, match=r"PREDICTION_LOG_DAYS is .*: give a whole number of days from 1"):
        create_app()


def test_a_log_that_cannot_be_written_fails_no_request(contract: Contract, settings: None, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file, where the folder should be")
    with TestClient(create_app()) as client:
        assert client.post("/predict", json={"rows": rows_as_json(contract, 2)}).status_code == 200
    assert 'prediction_log_rows_total{outcome="failed"} 2.0' in client.get("/metrics").text


def test_a_log_that_is_too_slow_drops_and_counts(
    contract: Contract, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "MOST_WAITING", 1)
    assert client.post("/predict", json={"rows": rows_as_json(contract, 3)}).status_code == 200
    assert 'prediction_log_rows_total{outcome="dropped"} 3.0' in client.get("/metrics").text
