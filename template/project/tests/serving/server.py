"""The service as a process of its own, started as `poe serve` starts it, and asked as a caller asks."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from {{ package_name }} import ROOT
from {{ package_name }}.serving.endpoints import READY

PATIENCE = 120  # seconds until it answers: a machine may be busy


@dataclass(frozen=True)
class Reply:
    """A status and a body."""

    status: int
    text: str


@dataclass(frozen=True)
class Server:
    """A running service, by its address."""

    address: str

    def ask(self, path: str, body: str | None = None) -> Reply:
        """Post a body in JSON, or get where there is none."""
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.address + path, data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Reply(response.status, response.read().decode())
        except urllib.error.HTTPError as refused:
            return Reply(refused.code, refused.read().decode())


@contextmanager
def started(log: Path, **settings: str) -> Iterator[Server]:
    """The service with some settings, as soon as it answers, ready or not; what it says goes to `log`."""
    port = free_port()
    command = [sys.executable, "-m", "poethepoet", "serve"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "HOST": "127.0.0.1", "PORT": str(port), **settings}
    env.pop("MLFLOW_TRACKING_URI", None)
    with log.open("wb") as said:
        # A group of its own, so that what the task starts is stopped too.
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=said, start_new_session=True)
    server = Server(f"http://127.0.0.1:{port}")
    try:
        wait(server, process, log)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until something answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            server.ask(READY)
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The service does not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
