"""The champion behind MLServer keeps the contract of serving, and `poe serve` starts it where it is to listen.

MLServer itself is a stand-in here, see mlserver_stand_in.py.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, using
from mlops_kit.ground.ports import free_port
from mlops_kit.serving import protocol
from mlops_kit.serving.endpoint import Endpoint, Row, rows_as_json
from mlops_kit.testing.services import Service

from tests.kit.mlserver_stand_in import InferenceRequest, StandIn, served, standing_in
from tests.kit.service_contract import ServiceContract

INFER = "/v2/models/plain/infer"


@pytest.fixture(scope="module")
def mlserver() -> Iterator[StandIn]:
    """mlserver_model.py, as if MLServer were installed."""
    with standing_in() as found:
        yield found


Loaded = Callable[[str], Any]


def as_seldon(project: Project) -> Project:
    """The same project, served by MLServer."""
    return replace(project, serving="seldon")


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELOAD_SECONDS", "0")


@pytest.fixture(scope="module")
def loaded(mlserver: StandIn, made: Callable[[str], Project], kept: Callable[[Project], Path]) -> Loaded:
    """Gives the champion of a kind of project, loaded once."""

    def load(kind: str) -> Any:
        with using(as_seldon(made(kind))) as project, pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODEL_DIR", str(kept(made(kind))))
            return mlserver.model(project.name)

    return cache(load)


class TestInThisProcess(ServiceContract):
    """Every type of column."""

    @pytest.fixture
    def project(self, made: Callable[[str], Project]) -> Iterator[Project]:
        """The project `grades`."""
        with using(as_seldon(made("grades"))) as chosen:
            yield chosen

    @pytest.fixture
    def model(self, made: Callable[[str], Project], fitted: Callable[[Project], Any]) -> Any:
        """Its model, which no serving changes."""
        return fitted(made("grades"))

    @pytest.fixture
    def service(self, contract: Contract, loaded: Loaded) -> Service:
        """The service."""
        return served(loaded("grades"), contract)

    @pytest.fixture
    def endpoint(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """Its only endpoint."""
        (found,) = endpoints.values()
        return found

    def test_what_grpc_sends_as_bytes_is_text(
        self, loaded: Loaded, service: Service, contract: Contract, endpoint: Endpoint, rows: list[Row]
    ) -> None:
        body = protocol.request_body(contract, rows)
        for tensor in body["inputs"]:
            tensor["data"] = [one.encode() if isinstance(one, str) else one for one in tensor["data"]]
        answer = asyncio.run(loaded("grades").predict(InferenceRequest(**body))).model_dump()
        assert answer["model_version"] == "test"
        assert endpoint.answers(contract, answer) == endpoint.answers(contract, service.ask(rows).json)


# --- on a project of little cost -------------------------------------------------------------------------------------


@pytest.fixture
def project(made: Callable[[str], Project]) -> Iterator[Project]:
    """The project `plain`."""
    with using(as_seldon(made("plain"))) as chosen:
        yield chosen


@pytest.fixture
def folder(made: Callable[[str], Project], kept: Callable[[Project], Path]) -> Path:
    """A folder with its model; read, never written."""
    return kept(made("plain"))


@pytest.fixture
def champion(project: Project, loaded: Loaded) -> Any:
    """Its model, loaded."""
    return loaded("plain")


ROW = dict(name="y", shape=[1], datatype="FP64", data=[1.0])
SENSELESS: dict[str, list[dict[str, Any]]] = {
    "no tensors": [],
    "a shape of nothing": [ROW, dict(name="x", shape=[], datatype="FP64", data=[])],
    "a shape of nothing, first": [dict(name="x", shape=[], datatype="FP64", data=[]), ROW],
    "three dimensions": [ROW, dict(name="x", shape=[1, 1, 1], datatype="FP64", data=[[[1.0]]])],
    "no list": [ROW, dict(name="x", shape=[1], datatype="FP64", data="1.0")],
    "other lengths": [ROW, dict(name="x", shape=[1], datatype="FP64", data=[1.0, 2.0])],
}


@pytest.mark.parametrize("case", SENSELESS)
def test_tensors_that_make_no_sense_are_the_callers_mistake(case: str, champion: Any, contract: Contract) -> None:
    reply = served(champion, contract).send(INFER, json.dumps({"inputs": SENSELESS[case]}))
    assert reply.status == 422, reply
    assert reply.names("inputs") or reply.names("x")


def test_a_large_batch_leaves_the_server_free_for_others(
    champion: Any, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    answer = champion._answer

    def note(payload: Any) -> Any:
        threads.add(threading.current_thread().name)
        return answer(payload)

    monkeypatch.setattr(champion, "_answer", note)
    service, rows = served(champion, contract), contract.sample(101)
    assert len(service.predict(rows)) == 101
    assert threading.main_thread().name not in threads
    service.predict(rows.head(100))
    assert threading.main_thread().name in threads, "a thread costs more than a small batch"


def test_its_metadata_names_the_columns_and_no_version(champion: Any, contract: Contract) -> None:
    found = asyncio.run(champion.metadata()).model_dump()
    assert [one["name"] for one in found["inputs"]] == [column.name for column in contract.features]
    assert [one["name"] for one in found["outputs"]] == ["prediction", "probability"]
    assert found["versions"] == []


def test_without_a_champion_it_is_not_ready_and_each_answer_says_why(
    mlserver: StandIn, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(tmp_path))
    model = mlserver.model("plain", str(tmp_path))
    assert not model.ready
    service = served(model, contract)
    for reply in (service.send("/ready", None), service.ask(rows_as_json(contract, contract.sample(1)))):
        assert reply.status == 503
        assert "holds no model" in reply.text


def test_the_model_beside_the_settings_goes_before_the_champion(
    mlserver: StandIn, project: Project, folder: Path
) -> None:
    """As Seldon Core 2 lays out a storage."""
    model = mlserver.model("plain", str(folder))
    assert model.ready
    assert json.loads(served(model, model.contract).send("/ready", None).text)["version"] == "test"
    assert asyncio.run(model.unload())


# --- poe serve -------------------------------------------------------------------------------------------------------


@pytest.fixture
def serve(mlserver: StandIn, project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Calls `poe serve` with options and variables. Gives the command that MLServer was started with."""
    monkeypatch.setattr(os, "environ", dict(os.environ))  # which the command writes to

    def start(*options: str, **variables: int) -> list[str]:
        os.environ.update({name: str(value) for name, value in variables.items()})
        monkeypatch.setattr(sys, "argv", ["poe serve", *options])
        mlserver.module.main()
        return mlserver.started.pop()

    return start


def test_it_listens_where_it_is_told(serve: Callable[..., list[str]], project: Project) -> None:
    http, grpc, metrics = free_port(), free_port(), free_port()
    started = serve("--port", str(http), PORT=1, GRPC_PORT=grpc, METRICS_PORT=metrics)
    assert started == ["start", str(project.root / "deploy/mlserver")]
    known = {"HOST": "127.0.0.1", "HTTP_PORT": http, "GRPC_PORT": grpc, "METRICS_PORT": metrics}
    assert {name: os.environ[f"MLSERVER_{name}"] for name in known} == {name: str(one) for name, one in known.items()}


@pytest.mark.parametrize("name", ["GRPC_PORT", "METRICS_PORT"])
def test_a_port_that_is_taken_is_named_with_its_variable(serve: Callable[..., list[str]], name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = {"GRPC_PORT": free_port(), "METRICS_PORT": free_port(), name: taken}
        with pytest.raises(SystemExit, match=rf"^Port {taken} is taken\..*: {name}=\d+ uv run poe serve$"):
            serve("--port", str(free_port()), **ports)
