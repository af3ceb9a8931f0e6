"""The dev container is built as its file says; a user without rights has in it what `uv run poe setup` needs (L3)."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.containers.standins import run
from tests.project.running import new

pytestmark = [pytest.mark.long, pytest.mark.soak, pytest.mark.xdist_group("containers/more")]


def test_a_user_without_rights_has_what_setup_needs(
    template: Path, podman: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = ["--no-setup", "--preset", "production", "-d", "framework=lightgbm"]
    project = new(tmp_path_factory.mktemp("developing") / "churn", template, *options)
    told = json.loads((project / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    file = project / ".devcontainer" / told["build"]["dockerfile"]
    run(["buildah", "build", "--file", str(file), "--tag", "churn-dev", str(file.parent)], podman)
    inside = ["podman", "run", "--rm", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "churn-dev"]
    assert run([*inside, "id", "--user", "--name"], podman).strip() == told["remoteUser"]
    for tool in ("git", "uv", "python"):
        run([*inside, tool, "--version"], podman)
    run([*inside, "python", "-c", "import ctypes; ctypes.CDLL('libgomp.so.1')"], podman)
    words = told["postCreateCommand"].split()
    tasks = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    assert words[:3] == ["uv", "run", "poe"]
    assert words[3] in tasks
