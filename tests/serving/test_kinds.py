"""Every kind of serving, on a table of one's own: really started, and held to the one contract (L3)."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT, wait_until
from tests.project.running import copied, environment, free_port, poe, started, with_answers
from tests.serving.loyalty import loyalty

pytestmark = pytest.mark.long

# FastAPI's is held to the contract in tests/kit, and really started by tests/project/test_serving.py.
KINDS = [pytest.param("fastapi", marks=pytest.mark.soak), "seldon"]
# Where its metrics are, and what monitoring/alerts.yml looks at.
WATCHED = {
    "fastapi": ("PORT", ["http_requests_total", "http_request_duration_seconds_bucket"]),
    "seldon": ("METRICS_PORT", ["rest_server_requests_total", "rest_server_request_duration_seconds_bucket"]),
}
# A file of the project's tests ends so: its other fixtures are those of its conftest.py.
OF_THIS_PROJECT = """

@pytest.fixture(scope="module")
def project() -> Project:
    from mlops_kit.ground import project

    return project()


class TestService(ServiceContract):
    pass
"""
PORTS = ("PORT", "GRPC_PORT", "METRICS_PORT")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """One kind after another."""
    return str(request.param)


@pytest.fixture(scope="module")
def project(kind: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project on customers, served this way."""
    made, folder = loyalty(template, tmp_path_factory), tmp_path_factory.mktemp(kind) / "loyalty"
    return copied(made, folder) if kind == "seldon" else with_answers(made, folder, "-d", f"serving={kind}")


@contextmanager
def served(project: Path) -> Iterator[dict[str, str]]:
    """The project's service; gives the variables that it was started with."""
    where = {"RELOAD_SECONDS": "0.5", **{name: str(free_port()) for name in PORTS}}
    with started(project, {**environment(), **where}):
        yield where


def ready(where: dict[str, str], wanted: int) -> str:
    """What /ready says as soon as it has the status that is wanted."""
    said: dict[int, str] = {}

    def asked() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{where['PORT']}/ready", timeout=PATIENCE) as response:
                said[response.status] = str(response.read(), "utf-8")
        except urllib.error.HTTPError as error:
            said[error.code] = str(error.read(), "utf-8")
        except OSError:  # it does not listen yet
            return False
        return wanted in said

    wait_until(asked, every=0.2)
    return said[wanted]


def test_it_keeps_the_contract(project: Path) -> None:
    """What the library's tests ask of a service in this process, this one is asked where it really runs."""
    contract, asked = ROOT / "tests/kit/service_contract.py", project / "tests/test_contract_of_serving.py"
    asked.write_text(contract.read_text(encoding="utf-8") + OF_THIS_PROJECT, encoding="utf-8")
    try:
        assert " passed" in poe(project, "test")
    finally:
        asked.unlink()


def test_its_own_checks_are_green(project: Path) -> None:
    poe(project, "lint")
    poe(project, "sbom")
    assert '"bomFormat": "CycloneDX"' in (project / "sbom.cdx.json").read_text(encoding="utf-8")


def test_the_load_test_measures_it(kind: str, project: Path) -> None:
    with served(project) as where:
        ready(where, 200)
        command = ["uv", "run", "poe", "load", "--seconds", "2", "--json"]
        done = subprocess.run(command, cwd=project, env={**environment(), **where}, capture_output=True, text=True)
        port, series = WATCHED[kind]
        with urllib.request.urlopen(f"http://127.0.0.1:{where[port]}/metrics", timeout=PATIENCE) as response:
            metrics = response.read().decode()
    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"^{name}{{", metrics, re.MULTILINE) for name in series), metrics[:3000]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["failed"] == 0
    assert found["requests"] > 0
    assert found["p50"] <= found["p95"] <= found["p99"]


def test_a_retired_champion_is_served_no_more(project: Path) -> None:
    with served(project) as where:
        ready(where, 200)
        poe(project, "retire", "1", "--reason", "it is unfair", "--even-champion")
        assert "is retired: it is unfair" in ready(where, 503)
    with served(project) as where:
        assert "is retired: it is unfair" in ready(where, 503)
