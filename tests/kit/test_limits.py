"""What the service refuses, and when: each limit is in one table, can be set, and is kept before anything is spent."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from mlops_kit.contract import Contract
from mlops_kit.ground import KitError, project, using
from mlops_kit.serving import limits, protocol
from mlops_kit.serving.app import create_app
from mlops_kit.serving.endpoint import rows_as_json
from mlops_kit.serving.guard import Guarded
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.rows import RowReader, RowsError
from mlops_kit.serving.scan import most_values, pieces, scan

from tests.conftest import wait_until
from tests.kit.kinds import kinds

DOCS = Path(__file__).parents[2] / "docs/serving.md"
MEGABYTE = 2**20
MOST_SECONDS = 1.5  # of CPU that the reading of a refused body may take


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_documentation_has_the_table() -> None:
    assert limits.table() in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
def test_each_limit_is_set_by_its_variable(name: str) -> None:
    assert limits.from_environment({name.upper(): "7"}) == replace(Limits(), **{name: 7})
    assert limits.from_environment({name.upper(): ""}) == Limits()
    for wrong in ("0", "-1", "1.5", "many", "9" * 20, "\u0663"):
        with pytest.raises(KitError, match=f"^{name.upper()} is .*: set a whole number from 1"):
            limits.from_environment({name.upper(): wrong})


# --- what a request may hold -----------------------------------------------------------------------------------------


@pytest.fixture
def service(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts the application with some limits set."""
    monkeypatch.setenv("MODEL_DIR", str(saved))

    @contextmanager
    def start(**settings: int) -> Iterator[TestClient]:
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        with TestClient(create_app()) as client:
            yield client

    return start


def batch(contract: Contract, count: int) -> list[dict[str, Any]]:
    """Rows that are right."""
    return rows_as_json(contract, contract.sample(count))


def tensors(contract: Contract, count: int) -> dict[str, Any]:
    """The same as tensors."""
    return protocol.request_body(contract, batch(contract, count))


def infer() -> str:
    """The route of /v2."""
    return f"/v2/models/{project().name}/infer"


def test_a_body_above_the_limit_is_refused_announced_or_not(contract: Contract, service: Any) -> None:
    with service(MAX_BODY_BYTES=1000) as client:
        assert client.post("/predict", json={"rows": batch(contract, 1)}).status_code == 200
        assert client.post("/predict", content=b"x" * 1001).status_code == 413
        assert client.post("/predict", content=iter([b"x" * 100] * 100)).status_code == 413


@pytest.mark.parametrize("count", [3, 3000])
def test_rows_above_the_limit_are_refused(contract: Contract, service: Any, count: int) -> None:
    with service(MAX_ROWS=count - 1) as client:
        for path, body in (("/predict", {"rows": batch(contract, count)}), (infer(), tensors(contract, count))):
            refused = client.post(path, json=body)
            assert refused.status_code == 422
            assert str(count - 1) in refused.text
            assert "row" in refused.text


def test_keys_of_a_row_above_the_limit_are_refused_and_the_contracts_own_never(
    contract: Contract, service: Any
) -> None:
    (row,) = batch(contract, 1)
    with service(MAX_KEYS=1) as client:
        assert client.post("/predict", json={"rows": [row]}).status_code == 200
        refused = client.post("/predict", json={"rows": [row | dict.fromkeys("abc", 1)]})
        assert refused.status_code == 422
        assert f"at most {len(contract.features)} are accepted" in refused.text


def test_tensors_above_the_limit_are_refused(contract: Contract, service: Any) -> None:
    asked = tensors(contract, 1)
    with service(MAX_TENSORS=1) as client:
        assert client.post(infer(), json=asked).status_code == 200
        more = [{**asked["inputs"][0], "name": f"k{number}"} for number in range(5)]
        refused = client.post(infer(), json={"inputs": asked["inputs"] + more})
        assert refused.status_code == 422
        assert "too many tensors" in refused.json()["error"]


def test_values_above_the_limit_are_refused(contract: Contract, service: Any) -> None:
    with service(MAX_VALUES=20) as client:
        for path, body in (("/predict", {"rows": batch(contract, 20)}), (infer(), tensors(contract, 20))):
            assert client.post(path, json=body).status_code == 422
            assert "too many values" in client.post(path, json=body).text


@kinds("grades")
def test_a_string_above_the_limit_is_refused_by_its_column(contract: Contract, service: Any) -> None:
    (name, *_) = contract.of_type("text")
    with service(MAX_STRING=100) as client:
        refused = client.post("/predict", json={"rows": [{**batch(contract, 1)[0], name: "x" * 101}]})
    assert refused.status_code == 422
    assert f"column '{name}': must be a shorter string" in refused.json()["detail"][0]["msg"]


def test_errors_above_the_limit_are_not_listed(contract: Contract, service: Any) -> None:
    with service(MAX_ERRORS=5) as client:
        told = client.post("/predict", json={"rows": [dict.fromkeys("abcdefgh", 1)]}).json()["detail"]
        assert len(told) == 5
        assert len(client.post("/predict", json=dict.fromkeys("abcdefgh", 1)).json()["detail"]) == 5


def guard_of(client: Any) -> Guarded:
    """The part of the application that counts what is in progress."""
    layer = client.app.middleware_stack
    while not isinstance(layer, Guarded):
        layer = layer.app
    return layer


def test_batches_above_the_limit_are_told_to_come_back(contract: Contract, service: Any) -> None:
    large = {"rows": batch(contract, 2000)}
    with service() as client:
        guard = guard_of(client)
        guard.batches = 2 * guard.limits.max_batches
        refused = client.post("/predict", json=large)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.post("/predict", json={"rows": batch(contract, 1)}).status_code == 200
        guard.batches = 0
        assert client.post("/predict", json=large).status_code == 200
        assert guard.batches == 0


def test_as_many_batches_wait_as_may_be_in_progress(contract: Contract, service: Any) -> None:
    large = {"rows": batch(contract, 2000)}
    with service(MAX_BATCHES=1) as client, ThreadPoolExecutor(1) as caller:
        guard = guard_of(client)
        client.portal.call(guard.slots.acquire)  # one is in progress
        guard.batches = 1
        waiting = caller.submit(client.post, "/predict", json=large)
        wait_until(lambda: guard.batches == 2)
        assert client.post("/predict", json=large).status_code == 503
        assert not waiting.done()
        guard.batches -= 1
        client.portal.call(guard.slots.release)
        assert waiting.result().status_code == 200
        assert (guard.batches, guard.slots.locked()) == (0, False)


# --- what a hostile body costs ---------------------------------------------------------------------------------------


def filled(head: bytes, unit: bytes, tail: bytes, size: int = 16 * MEGABYTE) -> bytes:
    """A body of a size: a part again and again."""
    return (head + unit * ((size - len(head) - len(tail)) // len(unit))).rstrip(b",") + tail


def tensor(name: str, count: int) -> bytes:
    """A tensor of ones."""
    return json.dumps(dict(name=name, shape=[count], datatype="FP64", data=[1] * count)).encode()


def of_many(made: Any, count: int) -> bytes:
    """Parts with a number each."""
    return b",".join(made(number) for number in range(count))


ROWS = {
    "unknown keys": lambda: b'{"rows":[{%b}]}' % of_many(lambda number: b'"k%d":1' % number, 350_000),
    "rows of unknown keys": lambda: filled(
        b'{"rows":[', b"{%b}," % of_many(lambda number: b'"k%d":1' % number, 900), b"]}"
    ),
    "empty rows": lambda: filled(b'{"rows":[', b"{},", b"]}"),
    "keys around the rows": lambda: b"{%b}" % of_many(lambda number: b'"k%d":1' % number, 900_000),
    "lists in lists": lambda: filled(b'{"rows":', b"[", b""),
    "a long string": lambda: filled(b'{"rows":[{"x":"', b"x", b'"}]}'),
    "a long key": lambda: filled(b'{"rows":[{"', b"x", b'":1}]}'),
    "escapes": lambda: filled(b'{"rows":[{"', b'\\"', b'":1}]}'),
    "a long number": lambda: filled(b'{"rows":[{"x":', b"9", b"}]}"),
    "blanks": lambda: filled(b'{"rows":[', b" ", b"]}"),
}
TENSORS = {
    "unknown tensors": lambda: b'{"inputs":[%b]}' % of_many(lambda number: tensor(f"k{number}", 5000), 800),
    "small unknown tensors": lambda: b'{"inputs":[%b]}' % of_many(lambda number: tensor(f"k{number}", 900), 1000),
    "empty tensors": lambda: filled(b'{"inputs":[', b"{},", b"]}"),
    "a long id": lambda: filled(b'{"id":"', b"x", b'","inputs":[]}'),
    "parameters": lambda: b'{"parameters":{%b},"inputs":[]}' % of_many(lambda number: b'"k%d":1' % number, 900_000),
}


def read_tensors(reader: RowReader, body: bytes) -> None:
    """As the route of /v2 does."""
    asked = protocol.read(body, reader.contract, reader.limits)
    reader.read_rows(protocol.rows(reader.contract, asked, reader.limits))


@kinds("plain", "wide")
@pytest.mark.parametrize("kind", [*ROWS, *TENSORS])
def test_a_hostile_body_is_refused_before_it_costs_anything(contract: Contract, kind: str) -> None:
    reader = RowReader(contract)
    bodies: dict[str, Any] = {**ROWS, **TENSORS}
    body = bodies[kind]()
    start = time.process_time()
    with pytest.raises(RowsError) as refused:
        read_tensors(reader, body) if kind in TENSORS else reader.read_body(body)
    assert time.process_time() - start < MOST_SECONDS
    assert len(refused.value.problems) <= reader.limits.max_errors
    assert len(json.dumps(refused.value.problems)) < 100_000


@kinds("grades")
def test_a_date_among_thousands_that_cannot_be_read_is_found_quickly(contract: Contract) -> None:
    (name, *_) = contract.of_type("date")
    rows = [{**row, name: "2026-01-02"} for row in batch(contract, 10_000)]
    rows[-1][name] = "someday"
    start = time.process_time()
    with pytest.raises(RowsError, match="Row 9999"):
        RowReader(contract).read_body(json.dumps({"rows": rows}).encode())
    assert time.process_time() - start < MOST_SECONDS


def test_a_large_body_is_read_as_a_small_one(contract: Contract) -> None:
    rows, reader = batch(contract, 3000), RowReader(contract)
    body = json.dumps({"rows": rows}).encode()
    whole = reader.read_body(body)
    assert all((whole[name] == values).all() for name, values in reader.read_rows(rows).items())
    for wrong, says in (
        (body.replace(b"]}", b",]}"), "Invalid JSON"),
        (body.replace(b"]}", b',{"x": 1}]}'), "Row 3000"),
        (body[:-1] + b', "rows": 1}', "valid list"),
        (body[:-1] + b', "more": [{}]}', "more: is not known"),
        (body[:-2], "Invalid JSON"),
    ):
        with pytest.raises(RowsError, match=says):
            reader.read_body(wrong)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(['",[{', "\\", '"']),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), min_size=1, max_size=9), st.integers(1, 200))
def test_the_pieces_of_a_body_are_its_rows(rows: list[dict[str, Any]], size: int) -> None:
    body = json.dumps({"rows": rows}).encode()
    shape = scan(body, 10**9)
    assert shape.values <= most_values(body)
    assert shape.entries == len(rows)
    found = [json.loads(b"[%b]" % body[begin:end]) for begin, end in pieces(shape, size)]
    assert json.dumps([row for piece in found for row in piece]) == json.dumps(rows)


@pytest.fixture(scope="module")
def answering(made: Any, kept: Any) -> Iterator[TestClient]:
    """A service with low limits, so that small bodies reach them."""
    with using(made("plain")), pytest.MonkeyPatch.context() as patch:
        for name, value in dict(MODEL_DIR=kept(project()), MAX_KEYS=4, MAX_TENSORS=3, MAX_ROWS=5, MAX_ERRORS=3).items():
            patch.setenv(name, str(value))
        with TestClient(create_app(), raise_server_exceptions=False) as client:
            yield client


TEXTS = st.sampled_from(["rows", "inputs", "name", "shape", "datatype", "data", "outputs", "id", "x", "y", "FP64"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | TEXTS | st.just(10**320),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS | st.text(max_size=3), inner, max_size=6),
    max_leaves=30,
)
ENTRIES = st.lists(st.fixed_dictionaries({}, optional=dict(x=BODIES, y=BODIES, name=TEXTS, shape=BODIES, data=BODIES)))
REQUESTS = st.fixed_dictionaries({}, optional=dict(rows=ENTRIES | BODIES, inputs=ENTRIES | BODIES, outputs=BODIES))


@settings(deadline=None, max_examples=80)
@given(body=(REQUESTS | BODIES).map(lambda found: json.dumps(found).encode()) | st.binary(max_size=200))
def test_no_body_makes_the_service_fail(answering: TestClient, made: Any, body: bytes) -> None:
    with using(made("plain")):
        for path in ("/predict", infer()):
            found = answering.post(path, content=body)
            assert found.status_code in (200, 422), (found.status_code, found.text)
