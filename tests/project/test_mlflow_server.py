"""The service against a real MLflow server that hands its artifacts out, without MLflow in the service (L3)."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.conftest import PATIENCE, git, wait_until
from tests.project.running import environment, free_port, wait_until_ready, with_champion
from tests.project.service import Callers, body, running

pytestmark = pytest.mark.long
# As compose.tracking.yaml has it: no workers for language models.
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project with its champion."""
    return with_champion(tmp_path_factory.mktemp("server") / "churn", template, tmp_path_factory)


@contextmanager
def mlflow_server(project: Path, folder: Path, port: int) -> Iterator[str]:
    """An MLflow server of the project's MLflow, by its address; its clients need to know nothing of its folders."""
    options = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    command = [str(project / ".venv/bin/mlflow"), "server", "--port", str(port), "--workers", "1", *options]
    with (folder / "mlflow.log").open("ab") as log:
        server = subprocess.Popen(
            command, cwd=folder, env={**environment(), **NO_JOBS}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(PATIENCE)


def poe(project: Path, address: str, *task: str) -> str:
    """Run a task against the server."""
    env = {**environment(), "MLFLOW_TRACKING_URI": address}
    done = subprocess.run(["uv", "run", "poe", *task], cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def run_of(project: Path) -> str:
    """The run of the model in model/."""
    return (project / "model/run_id").read_text(encoding="utf-8").strip()


def test_the_service_follows_a_real_server(project: Path, tmp_path: Path) -> None:
    without, folder = tmp_path / "without", tmp_path / "server"
    for made in (without, folder):
        made.mkdir()
    (without / "mlflow.py").write_text("raise ImportError('the service must do without')\n", encoding="utf-8")
    port, first = free_port(), run_of(project)
    there = f"http://127.0.0.1:{port}"
    with running(project, MLFLOW_TRACKING_URI=there, RELOAD_SECONDS="0.2", PYTHONPATH=str(without)) as service:
        # The server is not there yet: the champion of champion.yaml answers, and says so.
        assert service.becomes(first)
        assert "does not answer" in service.get("/ready")["notice"]

        with mlflow_server(project, folder, port) as address:
            assert service.becomes("has no champion")
            poe(project, address, "register")
            poe(project, address, "promote")
            assert service.becomes(first)
            assert "notice" not in service.get("/ready")

            # Another one is promoted there, and takes its place under load: each request is answered by one of the two.
            path = project / "params.yaml"
            params = yaml.safe_load(path.read_text(encoding="utf-8"))
            params["model"]["l2_regularization"] += 1
            path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
            poe(project, address, "repro")
            git("commit", "--quiet", "--all", "--no-verify", "--message", "one more round", cwd=project)
            poe(project, address, "register")
            second = run_of(project)
            assert second != first
            callers = Callers(service, body(project, 1), pause=0.02)
            with callers.asking(4):
                wait_until(lambda: bool(callers.versions), service.process)
                poe(project, address, "promote")
                wait_until(lambda: second in callers.versions, service.process)
            assert callers.dropped == []
            assert set(callers.versions) == {first, second}

            # Retired there: nothing is served, and the reason is told, also while the server is away.
            poe(project, address, "retire", "2", "--reason", "unfair", "--even-champion")
            assert service.becomes("has no champion")
        assert service.becomes("does not answer")
        assert first not in service.version()
