"""`poe load` asks a running service and prints what its callers waited, or says what is wrong with it."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, using
from mlops_kit.ground.ports import free_port
from mlops_kit.serving import load
from mlops_kit.serving.listen import bound

from tests.conftest import wait_until

Load = Callable[..., str]


@pytest.fixture(scope="module")
def port(made: Callable[[str], Project], kept: Callable[[Project], Path]) -> Iterator[int]:
    """Where the service of the project `plain` listens, in this process."""
    with pytest.MonkeyPatch.context() as patch, using(made("plain")) as project:
        patch.setenv("MODEL_DIR", str(kept(project)))
        patch.setenv("RELOAD_SECONDS", "0")
        sockets = bound("127.0.0.1", 0)
        application = project.module("serve").application()
        server = uvicorn.Server(uvicorn.Config(application, log_config=None))
        thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield sockets[0].getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def poe_load(project: Project, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Load:
    """Gives what `poe load` prints of that service."""

    def ask(*options: str, at: int = port) -> str:
        monkeypatch.setattr(sys, "argv", ["load", "--port", str(at), *options])
        load.main()
        return capsys.readouterr().out

    return ask


def test_it_prints_the_rate_and_the_waits(poe_load: Load) -> None:
    found: dict[str, Any] = json.loads(poe_load("--seconds", "0.2", "--concurrency", "2", "--rows", "3", "--json"))
    assert found["requests"] > 0
    assert (found["failed"], found["failures"]) == (0, [])
    assert 0 < found["p50"] <= found["p95"] <= found["p99"] <= found["longest"]
    first, waits = poe_load("--seconds", "0.1", "--concurrency", "1", "--endpoint", "v2").splitlines()
    assert re.fullmatch(r"\d+ requests, [\d.]+ a second, 0 failed", first)
    assert re.fullmatch(r"ms: median [\d.]+, 95% [\d.]+, 99% [\d.]+, longest [\d.]+", waits)


def test_once_shows_a_request_with_its_answer(poe_load: Load, port: int, contract: Contract) -> None:
    first, rest = poe_load("--once", "--rows", "2").split("\n", 1)
    assert first == f"POST http://127.0.0.1:{port}/predict"
    asked, end = json.JSONDecoder().raw_decode(rest)
    answered = json.loads(rest[end:])
    assert [set(row) for row in asked["rows"]] == [{"x", "y"}] * 2
    assert set(answered["predictions"]) <= set(contract.classes or [])


def test_an_endpoint_of_ones_own_gets_the_rows_under_its_key(poe_load: Load) -> None:
    asked = json.loads(poe_load("--body", "--path", "/mine", "--key", "customers"))
    assert [set(row) for row in asked["customers"]] == [{"x", "y"}]


def test_a_service_that_refuses_is_said_before_it_is_measured(poe_load: Load) -> None:
    with pytest.raises(SystemExit, match=r"answers 404\. Its log and /ready say why\.$"):
        poe_load("--path", "/mine")


def test_where_nothing_answers_the_command_that_starts_it_is_said(poe_load: Load) -> None:
    with pytest.raises(SystemExit, match=r"^Nothing answers at http://127.0.0.1:\d+ .*Start the service with: "):
        poe_load(at=free_port())


def test_answers_that_fail_and_connections_that_break_are_counted(poe_load: Load, monkeypatch: Any) -> None:
    """The service goes on answering the first request alone: the others are for a path that it does not have."""
    made = load.requests

    def requests(*arguments: Any) -> list[bytes]:
        first, second, *_ = made(*arguments)
        return [first, second.replace(b"/predict", b"/unknown"), b"no request at all\r\n\r\n"]

    monkeypatch.setattr(load, "requests", requests)
    found = json.loads(poe_load("--seconds", "0.3", "--concurrency", "1", "--json"))
    assert found["failed"] > 0
    assert {"status 404", "status 400"} <= set(found["failures"])
