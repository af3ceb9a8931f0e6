"""The contract of serving, the same for every kind: the answers of `poe predict`, and a clear word for what is refused.

A service of each kind is asked over each of its endpoints: see test_service.py and test_tensorflow.py here, and
tests/serving/test_kinds.py, which copies this file into a rendered project.
"""

import json
from typing import Any

import pytest
from mlops_kit.contract import Contract
from mlops_kit.ground import Project
from mlops_kit.serving.endpoint import Endpoint, Row, rows_as_json
from mlops_kit.serving.endpoints import interface
from mlops_kit.serving.load import arguments, asked
from mlops_kit.serving.predict import predictions
from mlops_kit.testing.services import Reply, Service

ROWS = 20
ENDPOINTS = {"fastapi": ("predict", "v2"), "tensorflow-serving": ("predict", "champion"), "seldon": ("v2",)}


def ask(service: Service, endpoint: Endpoint, rows: list[Row], raw: str = "") -> Reply:
    """Ask about rows; where one holds "@", with `raw` in its place: JSON that Python would not write."""
    body = json.dumps(endpoint.body(service.contract, rows))
    return service.send(endpoint.path, body.replace('"@"', raw) if raw else body)


def assert_refused(reply: Reply, *columns: str) -> None:
    """It is the caller's mistake, and the answer says where."""
    assert 400 <= reply.status < 500, reply
    assert all(reply.names(column) for column in columns), reply


class ServiceContract:
    """What a service promises. Who tests one gives the fixtures `project`, `contract`, `model` and `service`."""

    @pytest.fixture
    def endpoints(self, project: Project) -> dict[str, Endpoint]:
        """The service's endpoints, all that this kind has."""
        found = interface().endpoints
        assert tuple(found) == ENDPOINTS[project.serving]
        return found

    @pytest.fixture(params=[0, 1], ids=["first", "second"])
    def endpoint(self, request: pytest.FixtureRequest, endpoints: dict[str, Endpoint]) -> Endpoint:
        """One endpoint after another."""
        every = list(endpoints.values())
        if request.param >= len(every):
            pytest.skip("it has one endpoint")
        return every[int(request.param)]

    @pytest.fixture
    def rows(self, contract: Contract) -> list[Row]:
        """Rows that are right."""
        return rows_as_json(contract, contract.sample(ROWS))

    def test_it_is_ready(self, service: Service) -> None:
        assert service.send(interface().ready, None).status == 200

    def test_the_answers_are_the_offline_ones(
        self, service: Service, endpoint: Endpoint, contract: Contract, model: Any, rows: list[Row]
    ) -> None:
        reply = ask(service, endpoint, rows)
        assert reply.status == 200, reply
        found = endpoint.answers(contract, reply.json)
        expected = predictions(model, contract, contract.sample(ROWS))
        if not contract.classes:
            assert found.predictions == pytest.approx(expected["prediction"].tolist(), rel=1e-5)
        else:
            assert found.predictions == expected["prediction"].tolist()
            assert [share for row in found.shares or [] for share in row] == pytest.approx(
                expected.iloc[:, 1:].to_numpy().ravel().tolist(), abs=1e-5
            )

    def test_the_order_of_the_columns_changes_nothing(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        turned = [dict(reversed(row.items())) for row in rows]
        there, back = (ask(service, endpoint, each) for each in (rows, turned))
        assert endpoint.answers(contract, there.json) == endpoint.answers(contract, back.json)

    def test_a_missing_value_needs_the_contracts_leave(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        for column in contract.features:
            reply = ask(service, endpoint, [rows[0], {**rows[1], column.name: None}])
            if column.nulls:
                assert reply.status == 200, (column.name, reply)
            else:
                assert_refused(reply, column.name)

    def test_a_missing_column_is_named(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        for column in contract.features:
            without = [{name: value for name, value in row.items() if name != column.name} for row in rows]
            reply = ask(service, endpoint, without)
            if column.nulls:
                assert reply.status == 200, (column.name, reply)
            else:
                # Without its only column, a request is an empty one.
                assert_refused(reply, *([column.name] if without[0] else []))

    def test_a_column_too_many_is_named(self, service: Service, endpoint: Endpoint, rows: list[Row]) -> None:
        assert_refused(ask(service, endpoint, [{**row, "unheard of": "1"} for row in rows]), "unheard of")

    def test_a_column_that_the_contract_ignores_is_dropped(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        without = ask(service, endpoint, rows)
        for name in contract.ignored:
            reply = ask(service, endpoint, [{**row, name: "x"} for row in rows])
            if endpoint.drops_ignored:
                assert endpoint.answers(contract, reply.json) == endpoint.answers(contract, without.json)
            else:
                assert_refused(reply, name)

    def test_a_category_that_was_never_seen_is_answered(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        """Drift tells of it; the data that is trained on must not have it."""
        for name in contract.of_type("categorical"):
            assert ask(service, endpoint, [{**row, name: "unheard of"} for row in rows]).status == 200

    def test_a_value_of_another_type_is_named(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        for column in contract.features:
            for raw in ('"many"', "[]", "{}") if column.type in ("numeric", "boolean") else ("1", "[]", "{}"):
                reply = ask(service, endpoint, [rows[0], {**rows[1], column.name: "@"}], raw)
                assert_refused(reply, column.name)

    def test_an_infinite_number_is_refused(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        for column in (one for one in contract.features if one.type == "numeric"):
            # JSON has no infinity; a reader of JSON may stop at one before there are columns.
            wrong = ["1e999", "-1e999", "Infinity"]
            if not (endpoint.nan_is_missing and column.nulls):
                wrong.append("NaN")
            for raw in wrong:
                assert_refused(ask(service, endpoint, [rows[0], {**rows[1], column.name: "@"}], raw))

    def test_a_huge_number_breaks_nothing(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        for name in contract.of_type("numeric"):
            for raw in ("1e308", "-1e308"):
                reply = ask(service, endpoint, [rows[0], {**rows[1], name: "@"}], raw)
                if not endpoint.nan_is_missing:  # TensorFlow Serving's network takes any number: it clips
                    assert_refused(reply, name)
                assert reply.status < 500
            assert_refused(ask(service, endpoint, [rows[0], {**rows[1], name: "@"}], "9" * 400))

    def test_a_body_of_50_mb_is_refused_and_stops_nothing(
        self, service: Service, endpoint: Endpoint, contract: Contract, rows: list[Row]
    ) -> None:
        name = contract.features[0].name
        reply = ask(service, endpoint, [{**rows[0], name: "@"}], '["' + "x" * 50_000_000 + '"]')
        assert 400 <= reply.status < 500, reply.text[:500]
        assert ask(service, endpoint, rows).status == 200

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", "{}", '{"rows": [1]}', '{"inputs": [1]}'])
    def test_what_asks_for_nothing_is_refused(self, service: Service, endpoint: Endpoint, body: str) -> None:
        assert 400 <= service.send(endpoint.path, body).status < 500

    def test_the_body_that_poe_load_prints_is_answered(self, service: Service, endpoints: dict[str, Endpoint]) -> None:
        for name, endpoint in endpoints.items():
            body = asked(arguments(["--body", "--endpoint", name]))
            assert service.send(endpoint.path, body).status == 200
