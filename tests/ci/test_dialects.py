"""One list of stages, four dialects: the same everywhere, accepted by each system's own tools, without a secret."""

import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.ci.dialects import DIALECTS, blocks, neutral
from tests.conftest import ROOT, git

BIN = Path(sys.executable).parent
PRESETS = [preset.name for preset in catalog.presets(ROOT)]
SCHEMAS = {
    "github": ("vendor.github-workflows", ".github/workflows/ci.yml"),
    "gitlab": ("vendor.gitlab-ci", ".gitlab-ci.yml"),
    "circleci": ("vendor.circle-ci", ".circleci/config.yml"),
}
# What a long-lived secret looks like, whoever gave it out.
SECRETS = (
    r"AKIA[0-9A-Z]{16}",
    r"gh[pousr]_\w{36}",
    r"glpat-[\w-]{20}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"AccountKey=\w+",
    r"xox[abp]-\w+",
    r"eyJ[\w-]{20,}\.[\w-]{20,}",
    r"(?i)(password|passwd|secret|token|api_?key)\s*[:=]\s*['\"]?(?!\$|\{|<|env\b|credentials)[A-Za-z0-9+/_-]{12,}['\"]?\s*$",
)


@pytest.fixture(scope="session")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A project of each preset with each CI."""
    version = open_version(named_address(str(template)), None)
    found = {}
    for preset, ci in product(PRESETS, DIALECTS):
        folder = tmp_path_factory.mktemp(f"{preset}-{ci}") / "churn"
        answers = {**catalog.preset(ROOT, preset).answers, "ci": ci, "code_owners": "@example/ml"}
        render(version, folder, Asked(data=answers, defaults=True)).tree.write_new(folder)
        git("init", "--quiet", cwd=folder)
        found[preset, ci] = folder
    return found


@pytest.fixture(params=product(PRESETS, DIALECTS), ids="-".join)
def case(request: pytest.FixtureRequest, rendered: dict[tuple[str, str], Path]) -> tuple[str, Path]:
    """A CI, and a project with it."""
    return request.param[1], rendered[request.param]


def run(program: str, *arguments: str, cwd: Path) -> str:
    """What a linter says; it must have nothing against the file."""
    done = subprocess.run([BIN / program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("preset", PRESETS)
def test_the_dialects_are_the_same_stages(rendered: dict[tuple[str, str], Path], preset: str, template: Path) -> None:
    extras = catalog.preset(ROOT, preset).answers["extras"]
    from jinja2 import Environment

    text = (ROOT / "template/stages.yml").read_text(encoding="utf-8")
    context = {"extras": extras, "cloud": "none", "level": "pipeline"}
    wanted = neutral(Environment(autoescape=False).from_string(text).render(**context))
    for ci, parse in DIALECTS.items():
        assert parse(rendered[preset, ci]) == wanted, ci


def test_each_stage_calls_tasks_that_the_project_has(case: tuple[str, Path]) -> None:
    import tomllib

    ci, project = case
    tasks = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    for stage in DIALECTS[ci](project):
        assert stage.tasks
        for task in stage.tasks:
            assert task.split()[0] in tasks


def test_a_release_shares_its_model_and_keeps_what_names_it(case: tuple[str, Path]) -> None:
    """It trains on a machine of its own: champion.yaml is worth nothing without its dvc.lock and the model."""
    ci, project = case
    (release,) = [stage for stage in DIALECTS[ci](project) if stage.name == "release"]
    assert release.tasks.index("share") < release.tasks.index("register")
    file = next(path for path in project.rglob("*") if path.name in CI_FILES)
    text = file.read_text(encoding="utf-8")
    kept = {
        "github": "path: |\n            champion.yaml\n            dvc.lock\n            metrics.json",
        "gitlab": "paths: [champion.yaml, dvc.lock, metrics.json]",
        "circleci": "path: champion.yaml\n      - store_artifacts:\n          path: dvc.lock",
        "jenkins": "artifacts: 'champion.yaml, dvc.lock, metrics.json'",
    }
    assert kept[ci] in text


REGISTRY = {"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}


def test_github_gives_each_job_the_logins_that_it_needs_and_no_other(rendered: dict[tuple[str, str], Path]) -> None:
    """A variable or secret of the repository reaches a job there only where the file says so."""
    clouds = {preset.name: preset.answers.get("cloud", "none") for preset in catalog.presets(ROOT)}
    for (preset, ci), project in rendered.items():
        if ci != "github":
            continue
        remote = {"DVC_CONFIG_LOCAL"} if clouds[preset] == "none" else set()
        jobs = yaml.safe_load((project / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
        for stage in DIALECTS[ci](project):
            job, text = jobs[stage.name], yaml.safe_dump(jobs[stage.name], width=1000)
            sets_up = "setup" in stage.tasks
            logins = remote if stage.on == "push" else remote | REGISTRY
            assert set(re.findall(r"secrets\.(\w+)", text)) == (logins if sets_up else set()), stage.name
            asks = sets_up and bool(remote)
            assert ("vars.WITHOUT_REMOTE" in job.get("env", {}).get("WITHOUT_REMOTE", "")) == asks, stage.name
            # Who registers and pushes does so with what main alone is given, where that was set apart.
            assert job.get("environment") == ("main" if sets_up and stage.on != "push" else None), stage.name
            # A fork's request is given neither login nor variable: it must not ask the remote.
            assert ("head.repo.full_name != github.repository" in text) == (stage.name == "checks"), stage.name


@pytest.fixture(scope="session")
def clouded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Each CI with all extras: in a cloud, and in none."""
    version = open_version(named_address(str(template)), None)
    found = {}
    for cloud, ci in product(("none", "aws", "gcp", "azure"), DIALECTS):
        folder = tmp_path_factory.mktemp(f"{cloud}-{ci}") / "churn"
        answers = {**catalog.preset(ROOT, "production").answers, "ci": ci, "cloud": cloud}
        render(version, folder, Asked(data=answers, defaults=True)).tree.write_new(folder)
        found[cloud, ci] = folder
    return found


def logins_of(ci: str, project: Path, stage: str) -> str:
    """What a stage says of the registry's login."""
    if ci == "jenkins":
        bodies = dict(blocks((project / "Jenkinsfile").read_text(encoding="utf-8"), r"stage\('([\w-]+)'\)"))
        return "\n".join(line for line in bodies[stage].splitlines() if "MLFLOW" in line)
    name = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml", "circleci": ".circleci/config.yml"}[ci]
    config = yaml.safe_load((project / name).read_text(encoding="utf-8"))
    job = config[stage] if ci == "gitlab" else config["jobs"][stage]
    given = job.get("env" if ci == "github" else "environment", {})
    return "\n".join(f"{key} = {value!r}" for key, value in given.items() if "MLFLOW" in key)


def test_a_requests_code_gets_no_login_to_the_registry(clouded: dict[tuple[str, str], Path]) -> None:
    """Nor does a stage that runs other people's programs. In GitLab that is the word `protected`."""
    for (_, ci), project in clouded.items():
        for stage in DIALECTS[ci](project):
            said = logins_of(ci, project, stage.name)
            registers = stage.on != "push" and "setup" in stage.tasks
            if ci == "github":
                assert ("secrets.MLFLOW" in said) == registers, stage.name
            elif ci != "gitlab":
                assert said.count("= ''") == (0 if registers else 4), stage.name


def test_what_looks_for_a_newer_template_is_locked_and_has_no_login(clouded: dict[tuple[str, str], Path]) -> None:
    import tomllib

    for (_, ci), project in clouded.items():
        (stage,) = [stage for stage in DIALECTS[ci](project) if "outdated" in stage.tasks]
        assert stage.tasks == ("outdated",)
        config = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        command = config["tool"]["poe"]["tasks"]["outdated"]
        assert {"--locked", "--isolated"} <= set(command["shell"].split())
        assert config["dependency-groups"]["template"]
        assert "uvx" not in (project / "pyproject.toml").read_text(encoding="utf-8")


def test_gitlab_releases_from_no_cache_that_another_run_left(clouded: dict[tuple[str, str], Path]) -> None:
    for (_, ci), project in clouded.items():
        if ci == "gitlab":
            config = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))
            for stage in DIALECTS[ci](project):
                assert "cache" not in config["default"]
                assert ("cache" in config[stage.name]) == (stage.name == "checks"), stage.name


def test_opentofu_has_a_version(clouded: dict[tuple[str, str], Path]) -> None:
    for (cloud, ci), project in clouded.items():
        if cloud != "none" and ci != "jenkins":  # there the node has it
            file = next(path for path in project.rglob("*") if path.name in CI_FILES)
            said = re.findall(r"install .* tofu\S*|install .*opentofu$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert len(said) == 2  # deploy, destroy
            assert all(re.search(r" tofu=\d+\.\d+\.\d+$", line) for line in said), said


LOGIN_OF_DVC = re.compile(r"(?:set \+x; )?test -z .*\.dvc/config\.local")


def test_the_dvc_remotes_login_is_where_dvc_reads_it_and_in_no_log(case: tuple[str, Path], tmp_path: Path) -> None:
    import base64

    ci, project = case
    text = next(path for path in project.rglob("*") if path.name in CI_FILES).read_text(encoding="utf-8")
    commands = LOGIN_OF_DVC.findall(text)
    assert len(commands) == len([stage for stage in DIALECTS[ci](project) if "setup" in stage.tasks])
    (command,) = set(commands)
    login = "['remote \"team\"']\n    user = ci\n    password = correct-horse\n"
    (tmp_path / "file").write_text(login, encoding="utf-8")
    given = {"github": login.rstrip(), "gitlab": str(tmp_path / "file")}.get(
        ci, base64.b64encode(login.encode()).decode()
    )
    (tmp_path / ".dvc").mkdir()
    for value in ("", given):
        assert not (tmp_path / ".dvc/config.local").exists()
        env = {"PATH": os.environ["PATH"], "DVC_CONFIG_LOCAL": value}
        shell = ["sh", "-xe", "-c"] if ci == "jenkins" else ["bash", "-eo", "pipefail", "-c"]
        done = subprocess.run([*shell, command], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        assert not value or value not in done.stdout + done.stderr
    assert (tmp_path / ".dvc/config.local").read_text(encoding="utf-8") == login


def test_no_cache_brings_data_to_a_fork_or_a_branchs_packages_to_main(rendered: dict[tuple[str, str], Path]) -> None:
    for (_, ci), project in rendered.items():
        if ci == "github":  # a fork's request reads the caches of main
            text = (project / ".github/workflows/ci.yml").read_text(encoding="utf-8")
            assert "actions/cache" not in text
        if ci == "circleci":  # a branch writes the caches that main reads
            config = yaml.safe_load((project / ".circleci/config.yml").read_text(encoding="utf-8"))
            on = {stage.name: stage.on for stage in DIALECTS[ci](project)}
            restores = {name for name, job in config["jobs"].items() if "restore" in yaml.safe_dump(job)}
            assert {on[name] for name in restores} == {"push"}
            keys = re.findall(r"^ +(?:- |key: )((?:uv|dvc)-.*)$", yaml.safe_dump(config["commands"], width=1000), re.M)
            assert len(keys) == 4
            assert all("{{ .Branch }}" in key for key in keys), keys


def test_a_push_to_main_ends_no_deployment_in_jenkins(rendered: dict[tuple[str, str], Path]) -> None:
    for (_, ci), project in rendered.items():
        if ci == "jenkins":
            text = (project / "Jenkinsfile").read_text(encoding="utf-8")
            assert text.count("abortPrevious: env.BRANCH_NAME != 'main'") == text.count("abortPrevious") == 1


def test_gitlab_protects_no_variable_that_requests_need(rendered: dict[tuple[str, str], Path]) -> None:
    """A protected one reaches protected branches alone, and requests come from others."""
    for (_, ci), project in rendered.items():
        if ci == "gitlab":
            head = (project / ".gitlab-ci.yml").read_text(encoding="utf-8").partition("workflow:")[0]
            rows = {row.split(",")[0]: " ".join(row.split()) for row in head.replace("\n#", " ").split("- ")[1:]}
            assert "masked, not protected" in rows["REPORT_TOKEN"]
            assert "Not protected" in rows["DVC_CONFIG_LOCAL"]
            assert "protected, and the login masked" in rows["MLFLOW_TRACKING_URI"]


def test_its_systems_schema_accepts_it(case: tuple[str, Path]) -> None:
    ci, project = case
    if ci not in SCHEMAS:
        pytest.skip("Jenkins has no schema: its own linter is in tests/cloud/test_pairs.py")
    schema, path = SCHEMAS[ci]
    run("check-jsonschema", "--builtin-schema", schema, path, cwd=project)


def test_github_is_clean_in_the_strictest_persona(rendered: dict[tuple[str, str], Path]) -> None:
    for (_, ci), project in rendered.items():
        if ci == "github":
            run("zizmor", "--offline", "--persona=auditor", "--quiet", ".", cwd=project)
            run("jactionlint", cwd=project)


def test_renovates_schema_accepts_its_configuration(case: tuple[str, Path]) -> None:
    _, project = case
    run("check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json", cwd=project)


def test_renovate_finds_the_versions_that_stand_elsewhere(rendered: dict[tuple[str, str], Path]) -> None:
    found = set()
    for (_, ci), project in rendered.items():
        for manager in json.loads((project / "renovate.json").read_text(encoding="utf-8"))["customManagers"]:
            for name in (path for path in ("pyproject.toml", ".circleci/config.yml", "Jenkinsfile")):
                patterns = [pattern.strip("/") for pattern in manager["managerFilePatterns"]]
                if not (project / name).exists() or not any(re.search(pattern, name) for pattern in patterns):
                    continue
                text = (project / name).read_text(encoding="utf-8")
                for match in manager["matchStrings"]:
                    found |= {(ci, hit["depName"]) for hit in re.finditer(match.replace("(?<", "(?P<"), text)}
    assert {("circleci", "uv"), ("jenkins", "ghcr.io/astral-sh/uv")} <= found


def test_every_container_has_limits_of_memory_and_processes() -> None:
    files = list((ROOT / "template/project").rglob("compose*.yaml"))
    assert len(files) > 2
    for path in files:
        text = path.read_text(encoding="utf-8").replace("{{", "").replace("}}", "")
        for name, service in yaml.safe_load(text)["services"].items():
            assert {"mem_limit", "pids_limit"} <= service.keys(), f"{path}: {name}"


def test_no_secret_and_nothing_unpinned(case: tuple[str, Path]) -> None:
    _, project = case
    for path in sorted(project.rglob("*")):
        if not path.is_file() or ".git" in path.relative_to(project).parts:
            continue
        text, name = path.read_text(encoding="utf-8"), path.relative_to(project).as_posix()
        for secret in SECRETS:
            assert not re.search(secret, text, re.MULTILINE), f"{name}: a secret ({secret})"
        for action in re.findall(r"uses: (\S+)(.*)", text):
            assert re.search(r"@[0-9a-f]{40}$", action[0]), f"{name}: {action[0]} is not pinned by its commit"
            assert re.match(r" # v\d+\.\d+\.\d+$", action[1]), f"{name}: {action[0]} names no version"
        for image in images(name, text):
            tag = image.rpartition(":")[2]
            assert re.match(r"v?\d+\.\d+", tag), f"{name}: the image {image} has no exact version"
    assert "uv run --locked" in "".join(
        path.read_text(encoding="utf-8") for path in project.rglob("*") if path.name in CI_FILES
    )


CI_FILES = ("ci.yml", ".gitlab-ci.yml", "config.yml", "Jenkinsfile")


def images(name: str, text: str) -> list[str]:
    """The images that a file names, by their defaults where they are build arguments; our own are built, not pulled."""
    if name == "Dockerfile":
        return re.findall(r"^ARG \w*IMAGE=(\S+)$", text, re.MULTILINE)
    if name == "compose.yaml":
        services = yaml.safe_load(text)["services"].values()
        return [service["image"] for service in services if ":" in service["image"]]
    if name in CI_FILES or name.endswith((".gitlab-ci.yml", "config.yml")):
        return re.findall(r"(?:image:? ['\"]?|- )((?:ghcr\.io|docker\.io|cimg)/[\w./-]+:[\w.-]+)", text)
    return []


def test_the_scanner_sees_what_it_must() -> None:
    """A scanner that finds nothing is only worth something if it would."""
    planted = ["AKIAABCDEFGHIJKLMNOP", "password: correcthorsebattery", 'TOKEN="abcdefghijkl0123"']
    for text in planted:
        assert any(re.search(secret, text, re.MULTILINE) for secret in SECRETS), text
    for text in ("password: ${POSTGRES_PASSWORD:?set it}", "GITHUB_TOKEN: ${{ github.token }}"):
        assert not any(re.search(secret, text, re.MULTILINE) for secret in SECRETS), text
    assert images(".gitlab-ci.yml", "  image: ghcr.io/astral-sh/uv:latest") == ["ghcr.io/astral-sh/uv:latest"]
