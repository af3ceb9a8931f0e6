"""The service's image is really built, measured, run without rights, and answers as the champion does (L3)."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import PATIENCE, git, wait_until
from tests.containers import registry
from tests.containers.conftest import user_environment
from tests.containers.standins import BaseImages, missing, run

pytestmark = pytest.mark.long
LARGEST_MB = 450


@pytest.fixture(scope="module")
def image(project: Path, podman: dict[str, str]) -> dict[str, str]:
    """The environment in which the image is there, built by buildah."""
    assert "the image churn is built" in run(["uv", "run", "poe", "image"], podman, project)
    return podman


def test_the_layers_above_the_base_are_small(image: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    layers = [
        (int(layer["size"]), layer["CreatedBy"])
        for layer in json.loads(run(["podman", "history", "--format", "json", "--human=false", "churn"], image))
    ]
    above = sum(size for size, _ in layers[:-1]) / 1e6
    with capsys.disabled():
        print(f"\n  the service's image: {above:.0f} MB above its base image")
    assert above < LARGEST_MB
    # Code and champion are layers of their own: a new champion is not a new set of packages.
    assert sum(1 for size, _ in layers[:-1] if size > 10e6) == 1


def test_it_answers_as_the_champion_does(project: Path, image: dict[str, str]) -> None:
    assert "answers 10 generated rows as the champion does" in run(["uv", "run", "poe", "image-test"], image, project)
    assert run(["podman", "ps", "--all", "--quiet"], image) == ""


def test_it_runs_without_rights_and_knows_its_health(image: dict[str, str]) -> None:
    hardened = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--env", "PORT=18123"]
    container = run(["podman", "run", "--detach", *hardened, "churn"], image).strip()
    try:
        check = ["podman", "healthcheck", "run", container]
        wait_until(lambda: subprocess.run(check, env=image).returncode == 0, every=0.5)
        inside = ["podman", "exec", container]
        assert run([*inside, "id", "--user"], image).strip() == "10001"
        assert "CapEff:\t0000000000000000" in run([*inside, "cat", "/proc/1/status"], image)
        assert subprocess.run([*inside, "touch", "/app/file"], env=image, capture_output=True).returncode
    finally:
        run(["podman", "rm", "--force", container], image)


def test_there_is_nothing_in_it_that_it_does_not_need(project: Path, image: dict[str, str]) -> None:
    programs = "uv pip gcc git mlflow dvc pytest"
    look = f"for program in {programs}; do command -v $program; done; ls -A /app"  # it prints those that it finds
    found = run(["podman", "run", "--rm", "--entrypoint", "sh", "churn", "-c", look], image).split()
    ours = {"kit", "pyproject.toml", "src"}
    assert set(found) == {".venv", "champion", "champion.yaml", "contract.yaml", "params.yaml"} | ours


def test_it_says_what_it_is(project: Path, image: dict[str, str]) -> None:
    config = json.loads(run(["podman", "image", "inspect", "churn"], image))[0]["Config"]
    labels = config["Labels"]
    commit = git("rev-parse", "HEAD", cwd=project)
    assert labels["org.opencontainers.image.title"] == "churn"
    assert labels["org.opencontainers.image.revision"] == commit
    assert re.fullmatch(r"1-[0-9a-f]{12}", labels["org.opencontainers.image.version"])
    champion = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))
    assert f"CHAMPION_MD5={champion['model']}" in config["Env"]


def test_another_model_than_the_champion_does_not_get_in(project: Path, image: dict[str, str]) -> None:
    exported = project / "build/champion/run_id"
    kept = exported.read_text(encoding="utf-8")
    exported.write_text("another\n", encoding="utf-8")
    try:
        done = subprocess.run(
            ["buildah", "build", "--format", "docker", "--layers", "."],
            cwd=project,
            env=image,
            capture_output=True,
            text=True,
        )
    finally:
        exported.write_text(kept, encoding="utf-8")
    assert done.returncode
    assert "champion is not the champion" in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("task", "settings", "sentence"),
    [
        ("image-push", {}, "IMAGE is not set"),
        ("image", {"CONTAINER_ENGINE": "no-such-engine"}, "no-such-engine cannot be started"),
        ("image-test", {"CONTAINER_OPTIONS": "--no-such-option"}, "unknown flag: --no-such-option"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    task: str, settings: dict[str, str], sentence: str, project: Path, image: dict[str, str]
) -> None:
    done = subprocess.run(
        ["uv", "run", "poe", task], cwd=project, env={**image, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_it_is_pushed_under_its_version(project: Path, image: dict[str, str], tmp_path: Path) -> None:
    with registry.running() as found:
        insecure = tmp_path / "registries.conf"
        insecure.write_text(f'[[registry]]\nlocation = "{found.address}"\ninsecure = true\n', encoding="utf-8")
        env = {**image, "CONTAINERS_REGISTRIES_CONF": str(insecure)}
        run(["uv", "run", "poe", "image-push"], {**env, "IMAGE": f"{found.address}/team/churn"}, project)
        run(["uv", "run", "poe", "image-push"], {**env, "IMAGE": f"{found.address}/team/churn:mine"}, project)
    config = json.loads(run(["podman", "image", "inspect", "churn"], image))[0]["Config"]
    version = config["Labels"]["org.opencontainers.image.version"]
    assert set(found.manifests) == {f"team/churn:{tag}" for tag in (version, "latest", "mine")}
    manifest = json.loads(found.manifests["team/churn:latest"])
    assert {layer["digest"] for layer in manifest["layers"]} <= set(found.blobs)


def test_a_service_that_does_not_start_shows_its_log(project: Path, image: dict[str, str]) -> None:
    env = {**image, "CONTAINER_OPTIONS": "--env MODEL_DIR=/nothing"}
    patient = project / "kit/src/mlops_kit/delivery/image.py"
    kept = patient.read_text(encoding="utf-8")
    patient.write_text(kept.replace("PATIENCE = 60", "PATIENCE = 20"), encoding="utf-8")
    try:
        done = subprocess.run(["uv", "run", "poe", "image-test"], cwd=project, env=env, capture_output=True, text=True)
    finally:
        patient.write_text(kept, encoding="utf-8")
    assert done.returncode == 1
    assert "/nothing holds no model" in done.stderr
    assert '"path": "/ready"' in done.stderr
    assert run(["podman", "ps", "--all", "--quiet"], image) == ""


# --- Docker ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def docker(project: Path, base_images: BaseImages) -> Iterator[dict[str, str]]:
    """The environment of a user of a Docker daemon, which is ours alone: own socket, own data, no network."""
    reason = missing("dockerd", "containerd", "runc")
    if reason:
        pytest.skip(reason)
    # Its sockets are in it, whose paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="docker-"))
    client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else str(shutil.which("docker"))
    env = {
        **user_environment(), "CONTAINER_ENGINE": client, "CONTAINER_OPTIONS": "--network host",
        "DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_BUILDKIT": "1",
    }  # fmt: skip
    command = [
        "dockerd", "--host", env["DOCKER_HOST"], "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
        "--pidfile", f"{folder}/pid", "--iptables=false", "--bridge=none", "--storage-driver=overlay2",
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        version = [client, "version"]
        wait_until(
            lambda: subprocess.run(version, env=env, capture_output=True).returncode == 0,
            *(daemon, folder / "log"),
            every=0.5,
        )
        base_images.load(project / "Dockerfile", [client], env)
        yield env
    finally:
        daemon.terminate()
        daemon.wait(PATIENCE)
        # It leaves the mount of its network name space.
        subprocess.run(["umount", f"{folder}/exec/netns/default"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.soak
def test_a_docker_daemon_builds_the_same_and_nothing_twice(project: Path, docker: dict[str, str]) -> None:
    """As CI does on main: an image that the registry has is pulled, and packages that it has are not installed."""
    engine, poe = docker["CONTAINER_ENGINE"], ["uv", "run", "poe"]

    def built() -> str:
        """What Docker says where it has kept nothing of the builds before."""
        run([engine, "image", "rm", "--force", *run([engine, "images", "--quiet", "churn"], env).split()], env)
        run([engine, "builder", "prune", "--all", "--force"], env)
        return run(["sh", "-c", "uv run poe image --reuse 2>&1"], env, project)

    with registry.running() as found:
        env = {**docker, "IMAGE": f"{found.address}/team/churn", "BUILDKIT_PROGRESS": "plain"}
        run([*poe, "image", "--reuse"], env, project)
        assert "answers 10 generated rows as the champion does" in run([*poe, "image-test"], env, project)
        run([*poe, "image-push"], env, project)
        assert "was built of the same files and model: pulled" in built()
        before = set(found.blobs)
        with (project / "src/churn/model.py").open("a", encoding="utf-8") as code:
            code.write("# changed\n")
        try:
            said = built()
            assert re.search(r"#(\d+) \[service-environment .*uv sync(.|\n)*#\1 CACHED", said), said
            assert "answers 10 generated rows as the champion does" in run([*poe, "image-test"], env, project)
            run([*poe, "image-push"], env, project)
        finally:
            git("checkout", "--quiet", "src", cwd=project)
    sent = sum(len(found.blobs[digest]) for digest in set(found.blobs) - before)
    assert sent < 5e6, f"{sent / 1e6:.0f} MB were pushed for a change of a line"


def test_what_compose_starts_is_what_was_tested(project: Path) -> None:
    serve = yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8"))["services"]["serve"]
    code = (project / "kit/src/mlops_kit/delivery/image.py").read_text(encoding="utf-8")
    assert serve["image"] == "churn"
    assert serve["read_only"] is True
    assert serve["cap_drop"] == ["ALL"]
    assert serve["security_opt"] == ["no-new-privileges:true"]
    assert all(option in code for option in ("--read-only", "--cap-drop", "no-new-privileges", "--tmpfs"))
