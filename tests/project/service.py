"""A rendered service as a process of its own, and what it says of itself."""

import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import PATIENCE
from tests.project.running import environment, free_port, wait_until_ready


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str) -> Any:
        """What it answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as response:
            return json.load(response)

    def predict(self, body: bytes) -> Any:
        """The answer to a body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/predict", body)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def version(self) -> str:
        """The run of the model that answers; why there is none where it is so."""
        try:
            return str(self.get("/ready")["version"])
        except urllib.error.HTTPError as error:
            return str(json.load(error)["detail"])

    def becomes(self, words: str) -> bool:
        """Whether that is, or says, this before long."""
        until = time.monotonic() + PATIENCE
        while words not in self.version() and time.monotonic() < until:
            time.sleep(0.2)
        return words in self.version()

    def stop(self) -> int:
        """Stop it as an orchestrator does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def running(project: Path, **settings: str) -> Iterator[Service]:
    """The service of a project, ready; without uv or poe between, so that a signal reaches it alone."""
    port = free_port()
    env = {**environment(), "PORT": str(port), "OMP_NUM_THREADS": "1", **settings}
    with (project.parent / "serve.log").open("wb") as log:
        python = str(project / ".venv/bin/python")
        process = subprocess.Popen([python, "-m", "churn.serve"], cwd=project, env=env, stdout=log, stderr=log)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/health")
        yield Service(process, port)
    finally:
        process.kill()
        process.wait()


def body(project: Path, rows: int) -> bytes:
    """A request with rows in the middle of their ranges."""
    columns = yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))["columns"]
    columns.pop("diagnosis")
    row = {name: (column["min"] + column["max"]) / 2 for name, column in columns.items()}
    return json.dumps({"rows": [row] * rows}).encode()


@dataclass
class Callers:
    """Threads that ask until they are told to stop; `refused` are connections that never were."""

    service: Service
    request: bytes
    pause: float = 0  # seconds of each between two requests, in which the machine can do other things
    versions: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    refused: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """One caller."""
        while not self.done.wait(self.pause):
            try:
                self.versions.append(self.service.predict(self.request)["version"])
            except urllib.error.URLError as error:
                if isinstance(error.reason, ConnectionRefusedError):
                    self.refused += 1
                    return
                self.dropped.append(repr(error))
            except (OSError, ValueError) as error:
                self.dropped.append(repr(error))

    @contextmanager
    def asking(self, callers: int) -> Iterator[None]:
        """Some callers at once."""
        threads = [threading.Thread(target=self.ask) for _ in range(callers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.done.set()
            for thread in threads:
                thread.join()
