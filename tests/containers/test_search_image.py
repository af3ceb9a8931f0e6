"""The image of a search on Ray is built, holds what a search needs and no data, and runs without rights (L3)."""

from pathlib import Path

import pytest

from tests.containers.standins import run
from tests.project.running import new

pytestmark = [pytest.mark.long, pytest.mark.soak, pytest.mark.xdist_group("containers/more")]


def test_it_is_built_and_can_search(
    template: Path, podman: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = ["--no-setup", "--preset", "minimal", "-d", "compute=ray", "-d", "framework=lightgbm"]
    project = new(tmp_path_factory.mktemp("searching") / "churn", template, *options)
    run(["uv", "lock", "--quiet"], podman, project)
    (project / "data").mkdir(exist_ok=True)
    pointer = "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e.dir\n  path: raw\n  hash: md5\n"
    (project / "data/raw.dvc").write_text(pointer, encoding="utf-8")
    (project / "data/private.csv").write_text("secret\n", encoding="utf-8")
    # buildah takes the list of what is left out by its own option, Docker by the file's name.
    build = ["buildah", "build", "--ignorefile", "kuberay/Dockerfile.dockerignore"]
    run([*build, "--file", "kuberay/Dockerfile", "--tag", "churn-ray", "."], podman, project)
    inside = ["podman", "run", "--rm", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "churn-ray"]
    assert run([*inside, "id", "--user"], podman).strip() == "10001"
    run([*inside, "python", "-c", "import lightgbm, optuna, ray, churn.search.cluster, churn.search.loop"], podman)
    assert "prepare" in run([*inside, "dvc", "stage", "list"], podman)
    assert "--trials" in run([*inside, "python", "-m", "churn.search", "--help"], podman)
    assert run([*inside, "ls", "/app/data"], podman).split() == ["raw", "raw.dvc"]
    assert "False" in run([*inside, "python", "-c", "import shutil; print(bool(shutil.which('uv')))"], podman)
