"""infra/ for each cloud: formatted, whole, of arguments that the providers have, and without a finding of checkov."""

import json
import os
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
import uv

from tests.cloud.infra import BINDINGS, CIS, CLOUDS, Block, Schema, bindings, modules, problems, rendered

pytestmark = pytest.mark.long
CHECKOV = "checkov==3.3.30"
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
PARTS = {"storage", "registry", "identity", "service", "alerts"}  # and destroy, where there is a CI to do it
# With an image to run, and without one: then there is no place for images, and nobody who runs.
WITHOUT = "-without-image"
CASES = [
    *product(CLOUDS, (*CIS, "none")),
    *product(CLOUDS, (f"github{WITHOUT}", f"circleci{WITHOUT}", f"none{WITHOUT}")),
]
OUTPUTS = {
    *("storage_url", "artifacts_url", "storage_account", "image", "service"),
    *("region", "endpoint", "deploy_identity", "destroy_identity", "identity_provider", "account"),
}


@pytest.fixture(scope="module")
def folders(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """infra/ of every cloud with every CI, and with none; of some without an image."""
    found = {}
    for cloud, ci in CASES:
        folder = tmp_path_factory.mktemp(f"{cloud}-{ci}") / "churn"
        extras = ["monitoring"] if ci.endswith(WITHOUT) else ["container", "monitoring"]
        found[cloud, ci] = rendered(template, folder, cloud=cloud, ci=ci.removesuffix(WITHOUT), extras=extras)
    return found


@pytest.fixture(params=CASES, ids="-".join)
def infra(request: pytest.FixtureRequest, folders: dict[tuple[str, str], Path]) -> Path:
    """One after another."""
    return folders[request.param]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Schema]:
    """What each cloud's provider takes."""
    return {cloud: Schema(bindings(cloud, tmp_path_factory.mktemp("bindings"))) for cloud in CLOUDS}


@pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on PATH")
def test_it_is_formatted(infra: Path) -> None:
    done = subprocess.run(
        [str(TERRAFORM), "fmt", "-check", "-recursive", "-diff", str(infra)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_cloud_has_the_same_parts_and_outputs(infra: Path, request: pytest.FixtureRequest) -> None:
    parts = modules(infra)
    ci = request.node.callspec.params["infra"][1]
    wanted = PARTS if ci == "none" else {*PARTS, "destroy"}
    service = {"image", "public", "environment", "alert_email"}
    if ci.endswith(WITHOUT):
        wanted = {"storage"} if ci == f"none{WITHOUT}" else {"storage", "identity"}
    assert set(parts) == {"", *wanted}
    assert set(parts[""].named("module")) == wanted
    assert set(parts[""].named("output")) == OUTPUTS
    variables = set(parts[""].named("variable"))
    assert {"name", "region", "delete_data"} <= variables
    assert service & variables == (set() if ci.endswith(WITHOUT) else service)


def test_without_an_image_its_words_and_rights_are_of_none(folders: dict[tuple[str, str], Path]) -> None:
    for (cloud, ci), folder in folders.items():
        if ci.endswith(WITHOUT):
            files = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
            for path, text in files.items():
                for word in (
                    "image-push",
                    "-var image",
                    "| service |",
                    "| alerts |",
                    "| registry |",
                    "PassRole",
                    "AcrPu",
                ):
                    assert word not in text, f"{cloud}, {ci}: {path.name} says {word}"


def test_every_variable_is_documented_declared_and_used(infra: Path) -> None:
    for name, module in modules(infra).items():
        declared = module.named("variable")
        used = set(re.findall(r"\bvar\.(\w+)", module.text))
        # A module that is used needs all it takes; a value that nobody reads would be a dead setting.
        validated = re.sub(r"validation \{.*?\n  \}", "", module.text, flags=re.DOTALL)
        assert used == set(declared), name
        assert used == set(re.findall(r"\bvar\.(\w+)", validated)), name
        for variable, body in declared.items():
            assert body["description"].endswith((".", "/")) or "(" in body["description"], f"{name}.{variable}"
            assert "type" in body, f"{name}.{variable}"
        assert set(re.findall(r"\blocal\.(\w+)", module.text)) == set(module.locals), name


def test_modules_get_what_they_take_and_give_what_is_asked(infra: Path) -> None:
    parts = modules(infra)
    for name, call in parts[""].named("module").items():
        given = {key for key in call if key not in ("source", "count", "depends_on", "__is_block__")}
        assert call["source"] == f"./modules/{name}"
        assert given == set(parts[name].named("variable")), name
    for name, output in re.findall(r"\bmodule\.(\w+)(?:\[[^\]]*\])?\.(\w+)", parts[""].text):
        assert output in parts[name].named("output"), f"module.{name}.{output}"


def test_every_reference_leads_to_something_that_is_there(
    infra: Path, schemas: dict[str, Schema], request: pytest.FixtureRequest
) -> None:
    schema = schemas[request.node.callspec.params["infra"][0]]
    pattern = rf"\b(data\.)?({schema.provider}_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?"
    for name, module in modules(infra).items():
        there = {(block.kind, block.type, block.name) for block in module.blocks}
        for data, type_, label, attribute in re.findall(pattern, module.text):
            kind = "data" if data else "resource"
            assert (kind, type_, label) in there, f"{name}: {type_}.{label}"
            if attribute:
                assert attribute.replace("_", "") in schema.attributes(type_, kind), f"{name}: {type_}.{attribute}"


def test_the_provider_takes_every_argument_and_misses_none(
    infra: Path, schemas: dict[str, Schema], request: pytest.FixtureRequest
) -> None:
    cloud = request.node.callspec.params["infra"][0]
    schema = schemas[cloud]
    found = [
        problem for module in modules(infra).values() for block in module.blocks for problem in problems(schema, block)
    ]
    provider = Block("versions.tf", "provider", "provider", BINDINGS[cloud][0], provider_of(infra))
    assert [*found, *problems(schema, provider)] == []


def provider_of(infra: Path) -> dict[str, object]:
    """What the provider is set up with."""
    (body,) = modules(infra)[""].named("provider").values()
    return dict(body)


def test_a_wrong_argument_would_be_found(folders: dict[tuple[str, str], Path], schemas: dict[str, Schema]) -> None:
    for cloud in CLOUDS:
        block = next(block for block in modules(folders[cloud, "github"])["storage"].blocks if block.kind == "resource")
        wrong = Block(block.file, block.kind, block.type, block.name, {**block.body, "colour": "red"})
        assert any("no argument colour" in problem for problem in problems(schemas[cloud], wrong))
        empty = Block(block.file, block.kind, "aws_ecr_repository", block.name, {})
        if cloud == "aws":
            assert any("lacks name" in problem for problem in problems(schemas[cloud], empty))


def test_checkov_finds_nothing_that_is_not_justified(folders: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    for cloud in CLOUDS:
        shutil.copytree(folders[cloud, "github"], tmp_path / cloud)
    tool = [uv.find_uv_bin(), "tool", "run", "--quiet", "--from", CHECKOV]
    subprocess.run([*tool, "checkov", "--version"], check=True, capture_output=True)
    # It looks at the files here and asks nobody: a proxy that does not exist would stop it.
    env = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    looked = ["--directory", str(tmp_path), "--framework", "terraform", "--skip-download", "--output", "json"]
    done = subprocess.run([*tool, "--offline", "checkov", *looked], env=env, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert [f"{row['check_id']} {row['resource']}" for row in report["results"]["failed_checks"]] == []
    assert report["summary"]["passed"] > 100
    assert report["summary"]["parsing_errors"] == 0
    for row in report["results"]["skipped_checks"]:
        assert len(row["check_result"]["suppress_comment"]) > 20, row["check_id"]


def test_the_service_has_what_its_environment_is_told_and_a_place_for_a_champion_that_it_fetches(
    folders: dict[tuple[str, str], Path],
) -> None:
    for cloud in CLOUDS:
        parts = modules(folders[cloud, "github"])
        assert parts[""].named("module")["service"]["environment"] == "${var.environment}"
        assert parts[""].named("variable")["environment"]["default"] == {}
    (container,) = re.findall(r"readonlyRootFilesystem = true.*?logConfiguration", text_of(folders, "aws"), re.DOTALL)
    assert re.search(r'linuxParameters += \{ tmpfs = \[\{ containerPath = "/tmp"', container)
    assert "for name, value in merge(var.environment, { PORT = " in container
    for cloud, given in (("gcp", "var.environment"), ("azure", "merge(var.environment, { PORT = ")):
        (block,) = re.findall(r'dynamic "env" \{\s+for_each = (.*)', text_of(folders, cloud))
        assert block.startswith(given)


def text_of(folders: dict[tuple[str, str], Path], cloud: str) -> str:
    """modules/service/main.tf of a cloud."""
    return (folders[cloud, "github"] / "modules/service/main.tf").read_text(encoding="utf-8")


@pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on PATH")
def test_a_port_in_the_environment_is_one_sentence(folders: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    for cloud in CLOUDS:
        text = (folders[cloud, "none"] / "variables.tf").read_text(encoding="utf-8")
        (variable,) = re.findall(r'^variable "environment" \{.*?^\}$', text, re.MULTILINE | re.DOTALL)
        (tmp_path / "main.tf").write_text(variable, encoding="utf-8")
        told = {
            name: subprocess.run(
                [str(TERRAFORM), f"-chdir={tmp_path}", "plan", "-var", f'environment={{{name}="1"}}'],
                capture_output=True,
                text=True,
            )
            for name in ("PORT", "MLFLOW_TRACKING_URI")
        }
        assert told["MLFLOW_TRACKING_URI"].returncode == 0, told["MLFLOW_TRACKING_URI"].stderr
        assert told["PORT"].returncode
        assert "environment does not set PORT" in told["PORT"].stderr


def test_no_secret_is_in_any_file(infra: Path) -> None:
    for path in infra.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?i)(access_key|secret_key|password|client_secret|credentials)\s*=\s*\"[^\"]", text)
