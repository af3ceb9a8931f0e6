"""The service as a process of its own, started as `poe serve` starts it, and asked as a caller asks."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from {{ package_name }} import ROOT
from {{ package_name }}.serving.endpoints import PORTS, READY

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
def started(log: Path, says: str = "", **settings: str) -> Iterator[Server]:
    """The service with some settings, as soon as it is ready, or says why not; what it writes goes to `log`."""
    ports = {name: str(free_port()) for name in PORTS}
    command = [sys.executable, "-m", "poethepoet", "serve", "--port", ports["PORT"]]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "HOST": "127.0.0.1", **ports, **settings, "PORT": "1"}  # --port goes before
    env.pop("MLFLOW_TRACKING_URI", None)
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=said)
    server = Server(f"http://127.0.0.1:{ports['PORT']}")
    try:
        wait(lambda: is_started(server, says, log), process, log)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


def is_started(server: Server, says: str, log: Path) -> bool:
    """Whether it is ready; where it is to say something else, whether it does, in its answer or in its log."""
    try:
        reply = server.ask(READY)
    except OSError:
        return False
    return says in reply.text + log.read_text(encoding="utf-8") if says else reply.status == 200


def wait(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it is done; the log is the failure where the process ends before."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if done():
            return
        time.sleep(0.2)
    raise AssertionError(f"The service does not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
