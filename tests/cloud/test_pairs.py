"""Every CI with every cloud: the same stages, accepted by each system's tools, no secret, the exchange in each job."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.ci.dialects import DIALECTS, Stage, blocks, neutral
from tests.ci.test_dialects import SCHEMAS, SECRETS, run
from tests.ci.test_executed import executed, npm_install
from tests.conftest import ROOT, git

CLOUDS = [row.name for row in catalog.components(ROOT) if row.axis == "cloud"]
EXTRAS = ["container", "monitoring"]
# Names of variables that hold a key for long: of the clouds, their service accounts, storage accounts and applications.
LONG_LIVED = (
    r"AWS_SECRET_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_SESSION_TOKEN|GOOGLE_CREDENTIALS|credentials_json|private_key"
    r"|AZURE_CLIENT_SECRET|ARM_CLIENT_SECRET|AZURE_CREDENTIALS|AZURE_STORAGE_KEY|AccountKey|SharedAccessSignature"
)
MLFLOW_LOGIN = {f"MLFLOW_TRACKING_{name}" for name in ("TOKEN", "USERNAME", "PASSWORD")}
# The page of the vendor that each file goes by.
CITED = {
    ("github", "aws"): "docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws",
    ("github", "gcp"): "security-harden-deployments/oidc-in-google-cloud-platform",
    ("github", "azure"): "security-harden-deployments/oidc-in-azure",
    ("gitlab", "aws"): "docs.gitlab.com/ci/cloud_services/aws/",
    ("gitlab", "gcp"): "docs.gitlab.com/ci/cloud_services/google_cloud/",
    ("gitlab", "azure"): "docs.gitlab.com/ci/cloud_services/azure/",
    **{("circleci", cloud): "circleci.com/docs/openid-connect-tokens/" for cloud in CLOUDS},
    **{("jenkins", cloud): "plugins.jenkins.io/oidc-provider/" for cloud in CLOUDS},
}
FILES = {
    "github": ".github/workflows/ci.yml",
    "gitlab": ".gitlab-ci.yml",
    "circleci": ".circleci/config.yml",
    "jenkins": "Jenkinsfile",
}


@pytest.fixture(scope="session")
def pairs(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A project of each pair, in a git repository."""
    version = open_version(named_address(str(template)), None)
    found = {}
    for ci, cloud in product(DIALECTS, CLOUDS):
        folder = tmp_path_factory.mktemp(f"{ci}-{cloud}") / "churn"
        answers = {"ci": ci, "cloud": cloud, "extras": EXTRAS}
        render(version, folder, Asked(data=answers, defaults=True)).tree.write_new(folder)
        git("init", "--quiet", cwd=folder)
        found[ci, cloud] = folder
    assert len(found) == 12
    return found


@pytest.fixture(params=product(DIALECTS, CLOUDS), ids="-".join)
def pair(request: pytest.FixtureRequest, pairs: dict[tuple[str, str], Path]) -> tuple[str, str, Path]:
    """A CI, a cloud, and a project with both."""
    return (*request.param, pairs[request.param])


def logs_in(stage: Stage) -> bool:
    return any(task.startswith("cloud-login") for task in stage.tasks)


def test_all_dialects_have_the_clouds_stages(pair: tuple[str, str, Path]) -> None:
    ci, cloud, project = pair
    text = (ROOT / "template/stages.yml").read_text(encoding="utf-8")
    context: dict[str, Any] = {"extras": EXTRAS, "cloud": cloud, "serving": "fastapi", "ci": ci, "level": "pipeline"}
    assert DIALECTS[ci](project) == neutral(Environment(autoescape=False).from_string(text).render(**context))


def test_whoever_touches_the_cloud_logs_in_first(pair: tuple[str, str, Path]) -> None:
    ci, _, project = pair
    stages = {stage.name: stage for stage in DIALECTS[ci](project)}
    assert {name for name, stage in stages.items() if logs_in(stage)} == set(stages) - {"outdated"}
    for name, stage in stages.items():
        if logs_in(stage):
            # A request may come from a fork, which is trusted by nobody: it goes on without. Nothing else does.
            option = {"checks": "", "destroy": " --to-destroy"}.get(name, " --required")
            asks_nothing = ("lint", "check", "test --junitxml report/tests.xml")
            assert next(task for task in stage.tasks if task not in asks_nothing) == f"cloud-login{option}"
    # A training may take longer than a login is good for: who asks the cloud or registers after it logs in again.
    for name, asks in (("release", "register"), ("weekly", "drift"), ("weekly", "challenge")):
        tasks = stages[name].tasks
        trains = next(at for at, task in enumerate(tasks) if task.startswith("repro"))
        assert "cloud-login --required" in tasks[trains : tasks.index(asks)], name
    assert stages["deploy"].on == stages["destroy"].on == "manual"
    assert "deploy --yes" in stages["deploy"].tasks


def test_the_job_is_given_its_token_and_the_file_says_by_which_documentation(pair: tuple[str, str, Path]) -> None:
    ci, cloud, project = pair
    text = (project / FILES[ci]).read_text(encoding="utf-8")
    assert CITED[ci, cloud] in text
    for stage in DIALECTS[ci](project):
        assert given_a_token(ci, text, stage.name) == logs_in(stage), stage.name


def given_a_token(ci: str, text: str, stage: str) -> bool:
    """Whether a job gets the identity token that `cloud-login` exchanges, and nobody else's."""
    if ci == "github":
        return bool(yaml.safe_load(text)["jobs"][stage]["permissions"].get("id-token") == "write")
    if ci == "gitlab":
        return "CLOUD_ID_TOKEN" in yaml.safe_load(text)[stage].get("id_tokens", {})
    if ci == "circleci":  # every job has CIRCLE_OIDC_TOKEN_V2
        return "cloud-login" in yaml.safe_dump(yaml.safe_load(text)["jobs"][stage])
    ((_, body),) = blocks(text, rf"stage\('({stage})'\)")
    wrapped = re.findall(
        r"string\(credentialsId: 'cloud-id-token', variable: 'CLOUD_ID_TOKEN'\)\]\) \{\s*sh '(.*)'", body
    )
    assert all("poe cloud-login" in command for command in wrapped)
    return bool(wrapped)


def test_jenkins_credential_is_of_the_kind_that_is_bound_wherever_it_is_named(
    pairs: dict[tuple[str, str], Path],
) -> None:
    """The plugin's "OpenID Connect id token" is a secret text, which `string` binds; the one "as file" is a file."""
    for cloud in CLOUDS:
        project = pairs["jenkins", cloud]
        for name in ("Jenkinsfile", "infra/ci.tf"):
            text = (project / name).read_text(encoding="utf-8")
            assert 'of the kind "OpenID Connect id token"' in " ".join(
                re.sub(r"^(//|#)", "", text, flags=re.M).split()
            ), name


def test_no_long_lived_secret_is_asked_for(pair: tuple[str, str, Path]) -> None:
    _, _, project = pair
    for path in sorted(project.rglob("*")):
        if not path.is_file() or ".git" in path.relative_to(project).parts:
            continue
        text, name = path.read_text(encoding="utf-8"), path.relative_to(project).as_posix()
        for secret in SECRETS:
            assert not re.search(secret, text, re.MULTILINE), f"{name}: a secret ({secret})"
        if name != "compose.tracking.yaml":  # the object store on a team's own machine
            assert not re.search(LONG_LIVED, text), name
        if name.startswith(".github/"):  # a team's MLflow server is none of the cloud's: who has one may need a login
            assert set(re.findall(r"secrets\.(\w+)", text)) <= MLFLOW_LOGIN, name


@pytest.mark.parametrize("cloud", CLOUDS)
def test_github_pushes_the_image_to_a_registry_of_ones_own_without_a_secret(
    cloud: str, pairs: dict[tuple[str, str], Path]
) -> None:
    # As with a bucket that infra/ has not created, beside which there is no registry.
    jobs = yaml.safe_load((pairs["github", cloud] / FILES["github"]).read_text(encoding="utf-8"))["jobs"]
    pushing = {name: job for name, job in jobs.items() if any("image-push" in str(step) for step in job["steps"])}
    assert set(pushing) == {"container", "release"}
    for job in pushing.values():
        assert job["env"]["IMAGE"] == "${{ vars.IMAGE }}"
        (step,) = (step for step in job["steps"] if str(step.get("run", "")).endswith("poe image-push"))
        assert step["env"] == {"REGISTRY_USER": "${{ github.actor }}", "REGISTRY_PASSWORD": "${{ github.token }}"}
    writing = {name for name, job in jobs.items() if job["permissions"].get("packages") == "write"}
    assert writing == set(pushing)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_is_said_to_cost_money_is_made(cloud: str) -> None:
    made = "".join(path.read_text(encoding="utf-8") for path in (ROOT / f"template/parts/infra/{cloud}").rglob("*.tf"))
    if not made:
        pytest.skip(f"infra/ does not make anything on {cloud}")
    provider = (ROOT / f"template/project/kit/src/mlops_kit/cloud/{cloud}.py").read_text(encoding="utf-8")
    told = re.findall(r'^    "(\w+)": "', provider, re.M)
    assert told
    assert set(told) <= set(re.findall(r'^resource "(\w+)"', made, re.MULTILINE))


@pytest.mark.long
def test_a_scanner_for_secrets_finds_nothing_but_what_is_planted(
    pairs: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    seen: set[bytes] = set()  # most files are the same in all pairs: each content is scanned once
    for names, project in pairs.items():
        for path in sorted(project.rglob("*")):
            inside = path.relative_to(project)
            if not path.is_file() or ".git" in inside.parts or path.read_bytes() in seen:
                continue
            seen.add(path.read_bytes())
            (tmp_path / "-".join(names) / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "-".join(names) / inside)
    (tmp_path / "planted.yml").write_text("aws_access_key_id: AKIAQYLPMN5HFIQR7XYA\n", encoding="utf-8")
    command = [str(Path(sys.executable).parent / "detect-secrets"), "scan", "--all-files", "--no-verify"]
    # The template's commit, in the answers file, looks like a key.
    done = subprocess.run([*command, "--exclude-files", "copier-answers", "."], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert list(yaml.safe_load(done.stdout)["results"]) == ["planted.yml"]


def test_its_systems_tools_accept_it(pair: tuple[str, str, Path]) -> None:
    ci, _, project = pair
    if ci == "jenkins":
        pytest.skip("Jenkins has no schema: its own linter is below")
    schema, path = SCHEMAS[ci]
    run("check-jsonschema", "--builtin-schema", schema, path, cwd=project)
    if ci == "github":
        run("zizmor", "--offline", "--persona=auditor", "--quiet", ".", cwd=project)
        run("jactionlint", cwd=project)


@pytest.mark.long
def test_the_jenkinsfiles_are_clean(pairs: dict[tuple[str, str], Path], template: Path, tmp_path: Path) -> None:
    if not shutil.which("java"):
        pytest.skip("npm-groovy-lint needs Java, which is not here")
    files, node = tmp_path / "files", tmp_path / "node"
    node.mkdir()
    npm_install(node, "npm-groovy-lint@18")
    asked = Asked(data={"ci": "jenkins"}, defaults=True)
    render(open_version(named_address(str(template)), None), tmp_path / "none", asked).tree.write_new(tmp_path / "none")
    of_clouds = {cloud: pairs["jenkins", cloud] for cloud in CLOUDS}
    where = {"none": tmp_path / "none", "broken": tmp_path / "none", **of_clouds}
    for name, project in where.items():
        (files / name).mkdir(parents=True)
        shutil.copy(project / "Jenkinsfile", files / name)
    with (files / "broken/Jenkinsfile").open("a", encoding="utf-8") as file:
        file.write("def x = {\n")
    # It runs once: half of its time would be the JIT compiler's.
    java = "--javaoptions=-Xmx2048m,-XX:TieredStopAtLevel=1,-XX:+UseSerialGC"
    command = [str(node / "node_modules/.bin/npm-groovy-lint"), "--noserver", java, "--output", "json"]
    env = {**os.environ, "PATH": f"{node / 'bin'}:{os.environ['PATH']}"}
    green, said = executed([*command, "--path", ".", "--files", "**/Jenkinsfile"], files, env)
    found = {Path(name).parent.name: one["errors"] for name, one in json.loads(said)["files"].items()}
    assert not green
    assert found.keys() == where.keys()
    assert [name for name, errors in found.items() if errors] == ["broken"], found
