"""The service as a process of its own: stopped and attacked while it is asked (L3)."""

import json
import os
import shutil
import subprocess
import urllib.error
from pathlib import Path

import pytest
import yaml

from tests.conftest import wait_until
from tests.project.running import environment, poe, python, with_champion
from tests.project.service import Callers, Service, body, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project with its champion."""
    return with_champion(tmp_path_factory.mktemp("serving") / "churn", template, tmp_path_factory)


def test_requests_under_way_are_answered_when_it_is_stopped(project: Path, tmp_path: Path) -> None:
    with running(project, PREDICTION_LOG=str(tmp_path)) as service:
        callers = Callers(service, body(project, 500))
        with callers.asking(8):
            wait_until(lambda: bool(callers.versions), service.process)
            service.stop()
        # A connection that was opened but whose request had not arrived may be reset: it was never under way.
        assert [
            failure for failure in callers.dropped if "RemoteDisconnected" not in failure and "Reset" not in failure
        ] == []
        lines = [line for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
        # Every batch that was predicted reached its caller, and is in the log: the two counts are one.
        assert len(lines) == 500 * len(callers.versions)
        assert set(json.loads(lines[0])) == {"time", "request", "version", "row", "prediction"}


@pytest.mark.soak  # tests/kit/test_limits.py draws fewer bodies
def test_no_request_of_its_documentation_breaks_it(project: Path, tmp_path: Path) -> None:
    with running(project) as service:
        url = f"http://127.0.0.1:{service.port}/openapi.json"
        command = ["uvx", "schemathesis@4.32.5", "run", url, "--checks", "not_a_server_error", "--max-examples", "50"]
        done = subprocess.run(
            [*command, "--phases", "examples,coverage,fuzzing"],
            cwd=tmp_path,  # it leaves notes
            env={**environment(), "UV_PYTHON_DOWNLOADS": "never"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
        assert service.get("/health") == {"status": "alive"}


def test_an_image_knows_which_champion_was_reproduced_in_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = tmp_path / "docker"
    builder.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n', encoding="utf-8")
    builder.chmod(0o755)
    md5 = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))["model"]
    shutil.rmtree(project / ".champion", ignore_errors=True)  # what DVC gave, it gives again
    (project / ".champion").mkdir()
    (project / "model/note").write_text("other bytes\n", encoding="utf-8")
    code = "from pathlib import Path; from mlops_kit.models import folder_md5; print(folder_md5(Path('model')))"
    its = python(project, code)
    reproduced = (project / "model").rename(project / f".champion/{md5}-reproduced-{its}")
    try:
        monkeypatch.setenv("CONTAINER_ENGINE", str(builder))
        poe(project, "image")
    finally:
        (reproduced / "note").unlink()
        reproduced.rename(project / "model")
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert f"--build-arg CHAMPION_MD5={md5} " in called
    assert f"--build-arg MODEL_MD5={md5} " not in called


def test_a_body_of_50_mb_is_refused_without_being_kept(project: Path) -> None:
    with running(project) as service:
        before = resident(service)
        with pytest.raises(urllib.error.HTTPError) as refused:
            service.predict(b" " * 50_000_000)
        assert refused.value.code == 413
        assert resident(service) - before < 25_000_000


def resident(service: Service) -> int:
    """The memory of the service in bytes (Linux)."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
