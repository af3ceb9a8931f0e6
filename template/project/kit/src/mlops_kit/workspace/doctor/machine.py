"""Checks of this machine: the environment, bytecode, ports, disk, a container engine."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import tomllib
from pathlib import Path

from mlops_kit.ground import project
from mlops_kit.ground.ports import free_port
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.waiting import A_MOMENT, answers

LEAST_DISK_GB = 2
# What a task listens on: the variable that moves it, the usual port, and a path that only its own program answers.
PORTS = {"serve": ("PORT", 8000, "/ready"), "ui": ("MLFLOW_PORT", 5000, "/version")}


@check("uv makes the lock file and the environment of a workspace, not of this project.")
def workspace() -> Found:
    """The project is no member of a uv workspace further up."""
    above = Path(sys.prefix).parent
    settings = above / "pyproject.toml"
    if above not in project().root.parents or not settings.is_file():
        return
    if "workspace" in tomllib.loads(settings.read_text(encoding="utf-8")).get("tool", {}).get("uv", {}):
        path = project().root.relative_to(above).as_posix()
        edit = '"${EDITOR:-vi}" ' + f'{shlex.quote(str(settings))} # in [tool.uv.workspace]: exclude = ["{path}"]'
        yield f"the project is a member of the uv workspace of {settings}", edit


@check("Each process then compiles its packages again: every task takes seconds longer.")
def bytecode() -> Found:
    """Python may keep what it has compiled."""
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        yield "PYTHONDONTWRITEBYTECODE is set", "unset PYTHONDONTWRITEBYTECODE"


@check("The task that listens there cannot start.")
def ports() -> Found:
    """The ports of the service and of `poe ui` are free, or taken by just these."""
    tasks = tomllib.loads((project().root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    for task, (variable, usual, path) in PORTS.items():
        port = int(os.environ.get(variable) or usual)
        if task in tasks and is_taken(port) and not answers(f"http://127.0.0.1:{port}{path}", A_MOMENT):
            yield f"port {port} of `poe {task}` is taken by another program", f"export {variable}={free_port()}"


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


@check("A stage that runs out of disk leaves half of what it writes.", safe=True)
def disk() -> Found:
    """The disk has room."""
    free = shutil.disk_usage(project().root).free / 1e9
    if free < LEAST_DISK_GB:
        yield f"{free:.1f} GB of disk are left", "uv cache prune"


@check("`poe image` builds the service's image by it.")
def container_engine() -> Found:
    """A container engine is here, where the project has an image."""
    if not Path(project().root, "Dockerfile").exists() or shutil.which(os.environ.get("CONTAINER_ENGINE") or "docker"):
        return
    other = next((name for name in ("podman", "buildah", "docker") if shutil.which(name)), "")
    if other:
        yield f"{os.environ.get('CONTAINER_ENGINE') or 'docker'} is not here", f"export CONTAINER_ENGINE={other}"
    else:
        yield "no container engine is here", "sudo apt-get install --yes podman && export CONTAINER_ENGINE=podman"
