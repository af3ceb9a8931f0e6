"""The contract of serving, the same for every kind: the answers of `poe predict`, and a clear word for what is refused.

The service is really started, on the tests' own model, and asked over each of its endpoints.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from {{ package_name }}.contract import Contract
from {{ package_name }}.predict import predictions
from {{ package_name }}.serving.endpoint import Endpoint, Row, rows_as_json
from {{ package_name }}.serving.endpoints import ENDPOINTS, READY, UNREADY
from {{ package_name }}.serving.load import arguments, asked

from .server import Reply, Server, started

ROWS = 20


@pytest.fixture(scope="module")
def server(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running service."""
    with started(tmp_path_factory.mktemp("serve") / "log", MODEL_DIR=str(saved)) as server:
        yield server


@pytest.fixture(params=list(ENDPOINTS))
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """One endpoint after another."""
    return ENDPOINTS[request.param]


@pytest.fixture
def rows(contract: Contract) -> list[Row]:
    """Rows that are right."""
    return rows_as_json(contract, contract.sample(ROWS))


def ask(server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row], raw: str = "") -> Reply:
    """Ask about rows; where one holds "@", with `raw` in its place: JSON that Python would not write."""
    body = json.dumps(endpoint.body(contract, rows))
    return server.ask(endpoint.path, body.replace('"@"', raw) if raw else body)


def assert_refused(reply: Reply, *names: str) -> None:
    """It is the caller's mistake, and the answer says where."""
    assert 400 <= reply.status < 500, reply
    # As JSON writes it: a name may have letters that are escaped there.
    assert all(name in json.dumps(json.loads(reply.text), ensure_ascii=False) for name in names), reply


def test_it_is_ready(server: Server) -> None:
    assert server.ask(READY).status == 200


def test_the_answers_are_the_offline_ones(
    server: Server, endpoint: Endpoint, contract: Contract, model: Any, rows: list[Row]
) -> None:
    reply = ask(server, endpoint, contract, rows)
    assert reply.status == 200, reply
    found = endpoint.answers(contract, json.loads(reply.text))
    expected = predictions(model, contract, contract.sample(ROWS))
    if not contract.classes:
        assert found.predictions == pytest.approx(expected["prediction"].tolist(), rel=1e-5)
    else:
        assert found.predictions == expected["prediction"].tolist()
        assert [share for row in found.shares or [] for share in row] == pytest.approx(
            expected.iloc[:, 1:].to_numpy().ravel().tolist(), abs=1e-5
        )


def test_the_order_of_the_columns_changes_nothing(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    turned = [dict(reversed(row.items())) for row in rows]
    there, back = (ask(server, endpoint, contract, each) for each in (rows, turned))
    assert endpoint.answers(contract, json.loads(there.text)) == endpoint.answers(contract, json.loads(back.text))


def test_a_missing_value_needs_the_contracts_leave(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    for column in contract.features:
        reply = ask(server, endpoint, contract, [rows[0], {**rows[1], column.name: None}])
        if column.nulls:
            assert reply.status == 200, (column.name, reply)
        else:
            assert_refused(reply, column.name)


def test_a_missing_column_is_named(server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]) -> None:
    for column in contract.features:
        without = [{name: value for name, value in row.items() if name != column.name} for row in rows]
        reply = ask(server, endpoint, contract, without)
        if column.nulls:
            assert reply.status == 200, (column.name, reply)
        else:
            assert_refused(reply, column.name)


def test_a_column_too_many_is_named(server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]) -> None:
    assert_refused(ask(server, endpoint, contract, [{**row, "unheard of": "1"} for row in rows]), "unheard of")


def test_a_column_that_the_contract_ignores_is_dropped(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    without = ask(server, endpoint, contract, rows)
    for name in contract.ignored:
        reply = ask(server, endpoint, contract, [{**row, name: "x"} for row in rows])
        if endpoint.drops_ignored:
            assert endpoint.answers(contract, json.loads(reply.text)) == endpoint.answers(
                contract, json.loads(without.text)
            )
        else:
            assert_refused(reply, name)


def test_a_category_that_was_never_seen_is_answered(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    """Drift tells of it; the data that is trained on must not have it."""
    for column in (one for one in contract.features if one.type == "categorical"):
        assert ask(server, endpoint, contract, [{**row, column.name: "unheard of"} for row in rows]).status == 200


def test_a_value_of_another_type_is_named(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    for column in contract.features:
        for raw in ('"many"', "[]", "{}") if column.type in ("numeric", "boolean") else ("1", "[]", "{}"):
            reply = ask(server, endpoint, contract, [rows[0], {**rows[1], column.name: "@"}], raw)
            assert_refused(reply, column.name)


def test_an_infinite_number_is_refused(server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]) -> None:
    for column in (one for one in contract.features if one.type == "numeric"):
        # JSON has no infinity; a reader of JSON may stop at one before there are columns.
        wrong = ["1e999", "-1e999", "Infinity"]
        if not (endpoint.nan_is_missing and column.nulls):
            wrong.append("NaN")
        for raw in wrong:
            assert_refused(ask(server, endpoint, contract, [rows[0], {**rows[1], column.name: "@"}], raw))


def test_a_huge_number_breaks_nothing(server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]) -> None:
    for name in contract.of_type("numeric"):
        for raw in ("1e308", "-1e308"):
            assert ask(server, endpoint, contract, [rows[0], {**rows[1], name: "@"}], raw).status == 200
        assert_refused(ask(server, endpoint, contract, [rows[0], {**rows[1], name: "@"}], "9" * 400))


def test_a_body_of_50_mb_is_refused_and_stops_nothing(
    server: Server, endpoint: Endpoint, contract: Contract, rows: list[Row]
) -> None:
    name = contract.features[0].name
    reply = ask(server, endpoint, contract, [{**rows[0], name: "@"}], '["' + "x" * 50_000_000 + '"]')
    assert 400 <= reply.status < 500, reply.text[:500]
    assert ask(server, endpoint, contract, rows).status == 200


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "{}", '{"rows": [1]}', '{"inputs": [1]}'])
def test_what_asks_for_nothing_is_refused(server: Server, endpoint: Endpoint, body: str) -> None:
    assert 400 <= server.ask(endpoint.path, body).status < 500


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_body_that_poe_load_prints_is_answered(server: Server, name: str) -> None:
    assert server.ask(ENDPOINTS[name].path, asked(arguments(["--body", "--endpoint", name]))).status == 200


def test_without_a_champion_it_is_not_ready_and_says_why(contract: Contract, rows: list[Row], tmp_path: Path) -> None:
    with started(tmp_path / "log", says="holds no model", MODEL_DIR=str(tmp_path / "nothing")) as server:
        assert server.ask(READY).status == UNREADY
        assert all(ask(server, endpoint, contract, rows).status >= 400 for endpoint in ENDPOINTS.values())
