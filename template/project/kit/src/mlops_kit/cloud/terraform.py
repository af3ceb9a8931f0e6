"""Terraform or OpenTofu on infra/: one place that starts it, whichever of the two is on PATH."""

import json
import re
import shutil
import subprocess
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
    """Run it in infra/; it prints what it does. Raises CloudError where it fails."""
    if subprocess.run([program(), f"-chdir={folder()}", *arguments]).returncode:
        raise CloudError(f"`terraform {arguments[0]}` failed: see above.")


def ask(*arguments: str) -> str:
    """What it prints. Raises CloudError with what it says where it fails."""
    done = subprocess.run([program(), f"-chdir={folder()}", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise CloudError(f"`terraform {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout


def stands(module: str) -> bool:
    """Whether something of a module of infra/ has been made."""
    told: dict[str, Any] = json.loads(ask("show", "-json"))
    made = told.get("values", {}).get("root_module", {}).get("child_modules", [])
    return f"module.{module}" in [row["address"] for row in made]


def outputs() -> dict[str, str]:
    """The outputs of what stands, by name; none where nothing stands yet."""
    told: dict[str, Any] = json.loads(ask("output", "-json"))
    return {name: str(row["value"] or "") for name, row in told.items()}
