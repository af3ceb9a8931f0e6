"""A project's service in its tests: the application in this process, or the server that `poe serve` starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlops_kit.contract import Contract, load
from mlops_kit.ground import project
from mlops_kit.ground.commands import bypass_proxies
from mlops_kit.ground.ports import free_port
from mlops_kit.serving.endpoint import Endpoint, Row, rows_as_json
from mlops_kit.serving.endpoints import interface

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Service"]

PATIENCE = 120  # seconds until a server answers: a machine may be busy


@dataclass(frozen=True)
class Reply:
    """A status and a body."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)

    def names(self, column: str) -> bool:
        """Whether a text of the body names a column: as it is, or as Python writes it, where it has a quote."""
        return any(name in text for text in _texts(self.json) for name in (column, repr(column)[1:-1]))


def _texts(found: Any) -> Iterator[str]:
    """Every text in what JSON holds."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict | list):
        for part in [*found, *found.values()] if isinstance(found, dict) else found:
            yield from _texts(part)


@dataclass(frozen=True)
class Service:
    """A running service, for tests. `send(path, body)` posts JSON, or gets the path where `body` is None."""

    contract: Contract
    send: Callable[[str, str | None], Reply]

    @property
    def endpoint(self) -> Endpoint:
        """Where rows are sent first of all."""
        return next(iter(interface().endpoints.values()))

    def ask(self, rows: list[Row]) -> Reply:
        """The reply to rows as JSON has them, one dictionary each."""
        return self.send(self.endpoint.path, json.dumps(self.endpoint.body(self.contract, rows)))

    def predict(self, rows: pd.DataFrame) -> list[Any]:
        """The predictions for typed rows, in their order: length rows. Fails the test where it refuses them."""
        reply = self.ask(rows_as_json(self.contract, rows))
        assert reply.status == 200, reply
        return self.endpoint.answers(self.contract, reply.json).predictions


@contextmanager
def started(model: Path, log: Path, says: str = "") -> Iterator[Service]:
    """The project's service with a model folder behind it; what a server writes goes to `log`.

    A server is waited for until it is ready, or until its log or answer says `says`.
    """
    if project().serving == "fastapi":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODEL_DIR", str(model))
            with application() as service:
                yield service
        return
    settings = {"MODEL_DIR": str(model)}
    if project().serving == "tensorflow-serving" and not shutil.which("tensorflow_model_server"):
        settings["MODEL_SERVER"] = f"{sys.executable} -m mlops_kit.testing.model_server"  # runs the same SavedModel
    with server(log, says, **settings) as address:
        yield Service(load(), lambda path, body: ask(address + path, body))


@contextmanager
def application() -> Iterator[Service]:
    """The application of serve.py, in this process, with the model that the environment names."""
    from starlette.testclient import TestClient

    with TestClient(project().module("serve").application()) as client:

        def send(path: str, body: str | None) -> Reply:
            found = client.get(path) if body is None else client.post(path, content=body)
            return Reply(found.status_code, found.text)

        yield Service(load(), send)


@contextmanager
def server(log: Path, says: str = "", **settings: str) -> Iterator[str]:
    """The address of the service that `poe serve` starts, as soon as it is ready, or its log or answer says `says`."""
    port, *others = (str(free_port()) for _ in interface().ports)
    ports = dict(zip(interface().ports[1:], others, strict=True))
    command = [sys.executable, "-m", "poethepoet", "serve", "--port", port]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "HOST": "127.0.0.1", **ports, **settings, "PORT": "1"}  # --port goes before
    env.pop("MLFLOW_TRACKING_URI", None)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=project().root, env=env, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: is_up(address, says, log), process, log)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE)


def is_up(address: str, says: str, log: Path) -> bool:
    """Whether it is ready; where it is to say something else, whether it does."""
    try:
        reply = ask(address + interface().ready)
    except OSError:
        return False
    return says in reply.text + log.read_text(encoding="utf-8") if says else reply.status == 200


def ask(url: str, body: str | None = None) -> Reply:
    """Post a body in JSON, or get where there is none."""
    bypass_proxies()
    data = None if body is None else body.encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Reply(response.status, response.read().decode())
    except urllib.error.HTTPError as refused:
        return Reply(refused.code, refused.read().decode())


def wait(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it is done; the log is the failure where the process ends before."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if done():
            return
        time.sleep(0.2)
    raise AssertionError(f"The service does not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
