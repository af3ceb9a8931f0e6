"""The manifests for Seldon Core and KServe: as rendered, and with the versions of a real registry in them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.conftest import git
from tests.project.running import copied, environment, poe
from tests.serving.kubernetes import assert_good_pod, assert_valid, definitions, kustomize, pods
from tests.serving.loyalty import loyalty

SYSTEMS = ("core1", "core2", "kserve")
# Server and Experiment have no definition among ours: of Seldon Core 2 there is Model alone.
DEFINED = ("Model", "SeldonDeployment", "InferenceService")
STORAGE, IMAGE = "s3://models.example.com/loyalty", "registry.example.com/loyalty:7"


@pytest.fixture(scope="module")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is only written down."""
    folder = tmp_path_factory.mktemp("rendered") / "churn"
    version = open_version(named_address(str(template)), None)
    render(version, folder, Asked(data={"serving": "seldon"}, defaults=True)).tree.write_new(folder)
    return folder


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_rendered_is_accepted(rendered: Path, system: str) -> None:
    schemas = definitions()
    for document in kustomize(rendered / "deploy" / system):
        if document["kind"] in DEFINED:
            assert_valid(document, schemas)


def test_an_unknown_key_is_refused(rendered: Path) -> None:
    document = kustomize(rendered / "deploy/core2")[0]
    document["spec"]["unheardOf"] = 1
    with pytest.raises(AssertionError, match="unheardOf"):
        assert_valid(document, definitions())


@pytest.mark.parametrize("system", SYSTEMS)
def test_pods_have_no_rights_and_say_what_they_need(rendered: Path, system: str, tmp_path: Path) -> None:
    found = [pod for document in kustomize(rendered / "deploy" / system) for pod in pods(document)]
    assert found
    for pod in found:
        assert_good_pod(pod, tmp_path)


# --- with a registry -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion, version 1, and a challenger, version 2."""
    project = copied(loyalty(template, tmp_path_factory), tmp_path_factory.mktemp("manifests") / "loyalty")
    parameters = project / "params.yaml"
    parameters.write_text(parameters.read_text(encoding="utf-8").replace("reg_lambda: 1", "reg_lambda: 2"))
    poe(project, "repro")
    assert "version 2, the challenger" in poe(project, "register")
    git("checkout", "--quiet", "params.yaml", cwd=project)
    return project


def overlay(project: Path, system: str, canary: int = 0) -> list[dict[str, Any]]:
    """A system's overlay, written anew; each custom resource is held to its definition, with unknown keys refused."""
    share = ["--canary", str(canary)] if canary else []
    poe(project, "manifests", "--storage", STORAGE, "--image", IMAGE, *share)
    documents = kustomize(project / "deploy/versions" / system)
    schemas = definitions()
    for document in documents:
        if document["kind"] in DEFINED:
            assert_valid(document, schemas)
    return documents


@pytest.mark.long
def test_the_champion_gets_all_requests(project: Path, tmp_path: Path) -> None:
    for system in SYSTEMS:
        text = str(overlay(project, system))
        assert f"{STORAGE}/1" in text
        assert f"{STORAGE}/2" not in text
        assert IMAGE in text
        for document in kustomize(project / "deploy/versions" / system):
            for pod in pods(document):
                assert_good_pod(pod, tmp_path)


@pytest.mark.long
def test_a_canary_is_the_challenger(project: Path) -> None:
    predictors = overlay(project, "core1", 10)[0]["spec"]["predictors"]
    assert [(p["name"], p["traffic"], p["graph"]["modelUri"]) for p in predictors] == [
        ("champion", 90, f"{STORAGE}/1"),
        ("challenger", 10, f"{STORAGE}/2"),
    ]
    models = {d["metadata"]["name"]: d["spec"] for d in overlay(project, "core2", 10)}
    assert models["loyalty-challenger"]["storageUri"] == f"{STORAGE}/2"
    assert models["loyalty-canary"]["candidates"] == [
        {"name": "loyalty", "weight": 90},
        {"name": "loyalty-challenger", "weight": 10},
    ]
    predictor = overlay(project, "kserve", 10)[0]["spec"]["predictor"]
    assert predictor["canaryTrafficPercent"] == 10
    assert {"name": "STORAGE_URI", "value": f"{STORAGE}/2"} in predictor["containers"][0]["env"]


@pytest.mark.long
def test_mlserver_serves_what_is_to_be_copied_to_the_storage(project: Path, tmp_path: Path) -> None:
    overlay(project, "core2", 10)
    shutil.copytree(project / "build/models/2", tmp_path / "models/loyalty")
    # As Seldon Core 2 has it: a folder of models, each with its settings.
    script = tmp_path / "load.py"
    script.write_text(
        "import asyncio, sys\n"
        "from mlserver.cli.serve import load_settings\n"
        "from mlserver.types import InferenceRequest\n"
        "from mlops_kit.contract import load\n"
        "from mlops_kit.serving import protocol\n"
        "from mlops_kit.serving.endpoint import rows_as_json\n"
        "async def main():\n"
        "    settings = (await load_settings(sys.argv[1]))[1][0]\n"
        "    model = settings.implementation(settings)\n"
        "    assert await model.load()\n"
        "    contract = load()\n"
        "    body = protocol.request_body(contract, rows_as_json(contract, contract.sample(3)))\n"
        "    answer = await model.predict(InferenceRequest(**body))\n"
        "    print(settings.parameters.version, len(protocol.answers_in(contract, answer.model_dump()).predictions))\n"
        "asyncio.run(main())\n"
    )
    command = ["uv", "run", "--no-default-groups", "--group", "serve", "python", str(script), str(tmp_path / "models")]
    env = {**environment(), "UV_PROJECT_ENVIRONMENT": ".venv-serve"}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-2:] == ["2", "3"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--storage", "models", "--image", IMAGE], "is no address of a storage"),
        (["--storage", STORAGE, "--image", "a b"], "names no image"),
        (["--storage", STORAGE, "--image", IMAGE, "--canary", "100"], "A share of 100 %"),
    ],
)
def test_what_makes_no_manifest_is_said(project: Path, options: list[str], says: str) -> None:
    command = ["uv", "run", "poe", "manifests", *options]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
