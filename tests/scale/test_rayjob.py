"""The manifest of a search on Kubernetes, and the image that it names (L2)."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uv
import yaml
from mlops_scaffold.ground import process

from tests.scale.kuberay import definition
from tests.serving.kubernetes import assert_valid

UVX = [uv.find_uv_bin(), "tool", "run"]


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """kuberay/ of a project that was rendered, and no more."""
    project = tmp_path_factory.mktemp("rayjob") / "churn"
    command = [sys.executable, "-m", "mlops_scaffold", "new", str(project), "--defaults", "--no-setup"]
    command += ["--template", str(template), "-d", "compute=ray"]
    subprocess.run(command, check=True, capture_output=True)
    return project / "kuberay"


@pytest.fixture(scope="module")
def job(folder: Path) -> dict[str, Any]:
    """The manifest."""
    read: dict[str, Any] = yaml.safe_load((folder / "rayjob.yaml").read_text(encoding="utf-8"))
    return read


def test_its_head_says_that_dvc_keeps_the_data_and_how_data_in_git_goes_there(folder: Path) -> None:
    # The image has none and the job pulls: what is in git alone would be missing there.
    head = (folder / "rayjob.yaml").read_text(encoding="utf-8").partition("apiVersion:")[0]
    assert "uv run dvc push" in head
    assert "git rm -r --cached --quiet data/raw && uv run dvc add data/raw" in head


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The specifications of its pods: the head's first."""
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


@pytest.mark.long
def test_kuberay_knows_every_field_and_kubernetes_every_one_of_its_pods(job: dict[str, Any], tmp_path: Path) -> None:
    assert_valid(job, definition())
    for number, spec in enumerate(pods(job)):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod{number}"}, "spec": spec}
        (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod), encoding="utf-8")
        run("kubernetes-validate==1.37.0", "kubernetes-validate", "--strict", str(tmp_path / "pod.yaml"))


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("spec", "unheardOf"), 1, "'unheardOf' was unexpected"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0, "0 is not of type 'string'"),
        (("spec", "rayClusterSpec", "authOptions", "mode"), "password", "'password' is not one of"),
        (("spec", "rayClusterSpec", "headGroupSpec", "template"), None, "'template' is a required property"),
    ],
)
def test_what_kuberay_does_not_know_is_refused(
    job: dict[str, Any], place: tuple[str, ...], value: object, says: str
) -> None:
    broken = part = copy.deepcopy(job)
    *way, last = place
    for name in way:
        part = part[name]
    part[last] = value
    if value is None:
        del part[last]
    with pytest.raises(AssertionError, match=says):
        assert_valid(broken, definition())


def run(package: str, *command: str) -> None:
    """Run a linter by uv; what it says is the failure."""
    done = subprocess.run(
        [*UVX, "--from", package, *command], env=process.project_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_pod_runs_the_same_image_without_rights(job: dict[str, Any]) -> None:
    containers = [container for pod in pods(job) for container in pod["containers"]]
    assert len({container["image"] for container in containers}) == 1
    for pod in pods(job):
        assert pod["securityContext"]["runAsNonRoot"]
    for container in containers:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert job["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


def test_the_cluster_and_the_lock_have_the_same_ray(folder: Path, job: dict[str, Any]) -> None:
    wanted = (folder.parent / "kit/pyproject.toml").read_text(encoding="utf-8")
    assert f"ray[default]>={job['spec']['rayClusterSpec']['rayVersion'].rpartition('.')[0]}," in wanted


def test_the_image_passes_its_linter(folder: Path) -> None:
    linter = str(Path(sys.executable).parent / "hadolint")
    done = subprocess.run([linter, str(folder / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
