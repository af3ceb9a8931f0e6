"""A rendered service as a process of its own, and what it says of itself."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
