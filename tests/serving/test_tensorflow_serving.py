"""TensorFlow Serving: what it is given, and that it follows the registry.

Where tensorflow_model_server is installed it is run (L3). Elsewhere the SavedModel is run by TensorFlow behind the same
REST paths (the library's testing/model_server.py): then the SavedModel, the folder and the labels are what is
proved, and its configuration is read by TensorFlow Serving's own definitions.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.conftest import PATIENCE, git, wait_until
from tests.project.running import environment, free_port, poe, started, with_answers
from tests.serving.houses import houses
from tests.serving.kubernetes import BIN, assert_good_pod, kustomize

ANSWERS = {"framework": "tensorflow", "serving": "tensorflow-serving"}
READ = """
import sys
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig
config = text_format.Parse(open(sys.argv[1]).read(), ModelServerConfig()).model_config_list.config[0]
print(config.name, list(config.model_version_policy.specific.versions), dict(config.version_labels))
"""


@pytest.fixture(scope="module")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is only written down."""
    folder = tmp_path_factory.mktemp("rendered") / "churn"
    version = open_version(named_address(str(template)), None)
    render(version, folder, Asked(data=ANSWERS, defaults=True)).tree.write_new(folder)
    return folder


def test_the_manifests_are_accepted_and_pods_have_no_rights(rendered: Path, tmp_path: Path) -> None:
    documents = kustomize(rendered / "deploy/tensorflow-serving")
    assert {document["kind"] for document in documents} == {
        *("ConfigMap", "Deployment", "PersistentVolumeClaim", "Service"),
    }
    for document in documents:
        path = tmp_path / f"{document['kind']}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run([BIN / "kubernetes-validate", "--strict", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        if document["kind"] == "Deployment":
            assert_good_pod(document["spec"]["template"]["spec"], tmp_path)


def test_the_compose_file_is_accepted(rendered: Path) -> None:
    file = rendered / "deploy/tensorflow-serving/compose.yaml"
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# --- with a registry -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion."""
    answers = ["-d", "serving=tensorflow-serving"]
    folder = tmp_path_factory.mktemp("tensorflow-serving") / "houses"
    return with_answers(houses(template, tmp_path_factory), folder, *answers)


@contextmanager
def served(project: Path) -> Iterator[str]:
    """The project's service; gives the model's address."""
    port = str(free_port())
    env = {**environment(), "RELOAD_SECONDS": "0.5", "PORT": port, "GRPC_PORT": str(free_port())}
    if not shutil.which("tensorflow_model_server"):
        env["MODEL_SERVER"] = f"{project / '.venv/bin/python'} -m mlops_kit.testing.model_server"
    with started(project, env):
        yield f"http://127.0.0.1:{port}/v1/models/houses"


def versions(address: str) -> set[str]:
    """The versions that are served; none where there is no such model."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as response:
            states = json.load(response)["model_version_status"]
    except urllib.error.HTTPError:
        return set()
    except OSError:
        return {"not started"}
    return {state["version"] for state in states if state["state"] == "AVAILABLE"}


def wait_for(address: str, wanted: set[str]) -> None:
    """Until these versions are served."""
    wait_until(lambda: versions(address) == wanted, every=0.2)


def status_of(address: str, project: Path, label: str) -> int:
    """The status of a prediction by a label."""
    request = urllib.request.Request(f"{address}/labels/{label}:predict", row(project))
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def row(project: Path) -> bytes:
    """The body that asks about one row, as the project writes it."""
    code = (
        "import json; from mlops_kit.contract import load; from mlops_kit.serving.endpoint import rows_as_json; "
        "from mlops_kit.serving.endpoints.tensorflow_serving import body; "
        "c = load(); print(json.dumps(body(c, rows_as_json(c, c.sample(1)))))"
    )
    return subprocess.run([project / ".venv/bin/python", "-c", code], cwd=project, capture_output=True).stdout


@pytest.mark.long
def test_it_keeps_the_contract(project: Path) -> None:
    assert git("status", "--porcelain", cwd=project) == ""
    poe(project, "lint")
    assert " passed" in poe(project, "test")


@pytest.mark.long
def test_it_follows_each_move_in_the_registry(project: Path, tmp_path: Path) -> None:
    with served(project) as address:
        wait_for(address, {"1"})
        assert status_of(address, project, "champion") == 200
        assert status_of(address, project, "challenger") == 404
        parameters = project / "params.yaml"
        text = parameters.read_text(encoding="utf-8")
        parameters.write_text(text.replace("units: [64, 32]", "units: [65, 32]"), encoding="utf-8")
        poe(project, "repro")
        poe(project, "register")
        wait_for(address, {"1", "2"})
        assert status_of(address, project, "challenger") == 200
        assert_configured(project, tmp_path)
        poe(project, "retire", "2", "--reason", "only tried")
        wait_for(address, {"1"})
        poe(project, "retire", "1", "--reason", "it is unfair", "--even-champion")
        wait_for(address, set())
        assert status_of(address, project, "champion") == 404
    git("checkout", "--quiet", ".", cwd=project)


def assert_configured(project: Path, folder: Path) -> None:
    """TensorFlow Serving's own definitions read models.config: versions and labels are those of the registry."""
    target = folder / "api"
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*uv, "tensorflow-serving-api==2.21.0"], check=True)
    command = [str(project / ".venv/bin/python"), "-c", READ, str(project / "build/serving/models.config")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(target)})
    assert done.returncode == 0, done.stderr
    told = done.stdout.strip()
    assert told.startswith("houses [1, 2]")
    assert "'champion': 1" in told
    assert "'challenger': 2" in told


@pytest.mark.long
def test_without_the_program_it_says_what_to_install(project: Path) -> None:
    env = {**environment(), "MODEL_SERVER": "no-such-server", "CONTAINER_ENGINE": "no-such-engine"}
    done = subprocess.run(["uv", "run", "poe", "serve"], cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Install TensorFlow Serving" in done.stderr
    assert "Traceback" not in done.stderr
