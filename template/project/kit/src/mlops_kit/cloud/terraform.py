"""Terraform or OpenTofu on infra/: one place that starts it, whichever of the two is on PATH."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_kit.cloud import CloudError
from mlops_kit.ground import project

# Where its region is written: the first that has it counts, as for Terraform.
REGION = {
    "terraform.tfvars": r'^region *= *"(.*?)"',
    "variables.tf": r'^variable "region" \{[^}]*?default *= *"(.*?)"',
}


def folder() -> Path:
    """Where the infrastructure is described."""
    return project().root / "infra"


def program() -> str:
    """`terraform` or `tofu`. Raises CloudError where there is neither, or nothing for it."""
    if not folder().is_dir():
        raise CloudError("There is no infra/ here. Name a bucket instead: uv run poe cloud-settings --storage-url URL")
    found = shutil.which("terraform") or shutil.which("tofu")
    if found is None:
        raise CloudError("Neither terraform nor tofu is on PATH. Install one: https://opentofu.org/docs/intro/install")
    return found


def initialise() -> None:
    """Make infra/ ready: its providers, and the place of its state. Raises CloudError where none is named."""
    backend = folder() / "backend.hcl"
    empty = re.findall(r'^(\w+) *= *""', backend.read_text(encoding="utf-8") if backend.exists() else "", re.MULTILINE)
    if empty:
        raise CloudError(f"infra/backend.hcl names no {empty[0]} for the state. Its comments say how to make one.")
    named = ["-backend-config=backend.hcl"] if backend.exists() else []
    ask("init", "-input=false", *named)


def region() -> str:
    """The region that infra/ is to be in, by terraform.tfvars or by default; empty where neither has it as a text."""
    for file, pattern in REGION.items():
        path = folder() / file
        if found := re.search(pattern, path.read_text(encoding="utf-8") if path.exists() else "", re.MULTILINE):
            return found[1]
    return ""


def run(*arguments: str) -> None:
    """Run it in infra/; it prints what it does. Raises CloudError where it fails or is interrupted."""
    if finished(*arguments).returncode:
        raise CloudError(f"`terraform {arguments[0]}` failed: see above.")


def ask(*arguments: str) -> str:
    """What it prints. Raises CloudError with what it says where it fails, or where it is interrupted."""
    done = finished(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise CloudError(f"`terraform {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout


def finished(*arguments: str, **pipes: int) -> subprocess.CompletedProcess[str]:
    """Run it until it ends by itself, however often it is interrupted: it saves its state and releases its lock first.

    Raises CloudError where it was interrupted.
    """
    command = [program(), f"-chdir={folder()}", *arguments]
    # In a process group of its own Ctrl-C reaches it through here alone, and once: at a second one it saves nothing.
    options: dict[str, Any] = {"text": True, "stdin": subprocess.DEVNULL, "process_group": 0, **pipes}
    started: list[subprocess.Popen[str]] = []

    def stop() -> None:
        if started and os.name != "nt":  # on Windows the console has told it already
            started[0].send_signal(signal.SIGINT)

    with interrupts_held(stop) as held:
        started.append(subprocess.Popen(command, **options))
        printed, said = started[0].communicate()
    if held:
        raise CloudError(f"`terraform {arguments[0]}` was interrupted. Continue with the same command.")
    return subprocess.CompletedProcess(command, started[0].returncode, printed, said)


@contextmanager
def interrupts_held(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Ctrl-C, or a CI's SIGTERM, ends nothing in here: the first one calls `stop`. What is given lists them all."""
    held: list[int] = []

    def hold(number: int, _: object) -> None:
        held.append(number)
        if len(held) == 1:
            stop()

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stands(module: str) -> bool:
    """Whether something of a module of infra/ has been made."""
    told: dict[str, Any] = json.loads(ask("show", "-json"))
    made = told.get("values", {}).get("root_module", {}).get("child_modules", [])
    return f"module.{module}" in [row["address"] for row in made]


def outputs() -> dict[str, str]:
    """The outputs of what stands, by name; none where nothing stands yet."""
    told: dict[str, Any] = json.loads(ask("output", "-json"))
    return {name: str(row["value"] or "") for name, row in told.items()}
