"""A module of infra/ that a real Terraform can make without a provider: each resource is one that keeps its order."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cloud.infra import Body, Module

REFERENCE = r"\b(?:data\.)?((?:aws|google|azurerm)_\w+)\.(\w+)"


@dataclass(frozen=True)
class Terraform:
    """A real Terraform, in a folder of stand-ins."""

    program: str
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it; it asks nobody."""
        command = [self.program, f"-chdir={self.folder}", *arguments]
        return subprocess.run([*command, "-no-color"], capture_output=True, text=True)

    def must(self, *arguments: str) -> str:
        """The same; it has to succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def destroyed(self) -> list[str]:
        """The stand-ins that were destroyed, in order."""
        log = self.folder / "destroyed"
        return log.read_text(encoding="utf-8").split() if log.exists() else []

    def value(self, expression: str, **variables: Any) -> Any:
        """What an expression is, with these variables."""
        declared = "".join(f'variable "{name}" {{}}\n' for name in variables)
        (self.folder / "variables.tf").write_text(declared, encoding="utf-8")
        (self.folder / "terraform.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
        command = [self.program, f"-chdir={self.folder}", "console"]
        done = subprocess.run(command, input=f"jsonencode({expression})\n", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(json.loads(done.stdout))


def stand_in(program: str, module: Module, folder: Path, **variables: Any) -> Terraform:
    """The module's resources as stand-ins that keep count, for_each and order; a guard of data is as it is."""
    bodies = {(block.type, block.name): block for block in module.blocks}
    folder.mkdir(exist_ok=True)
    parts = [f'variable "{name}" {{}}' for name in variables]
    for (type_, name), block in bodies.items():
        if block.kind == "resource" and type_ != "terraform_data":
            needs = sorted(set(references(block.body, bodies)))
            parts.append(resource(f"{type_}_{name}", block.body, needs))
    guards = re.findall(r'^resource "terraform_data" .*?^\}$', module.text, re.MULTILINE | re.DOTALL)
    parts += [re.sub(REFERENCE, r"terraform_data.\1_\2", guard) for guard in guards]
    (folder / "main.tf").write_text("\n".join(parts), encoding="utf-8")
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    terraform = Terraform(program, folder)
    terraform.must("init")
    return terraform


def references(body: Body, bodies: dict[tuple[str, str], Any]) -> Iterator[str]:
    """The resources that a block refers to, by data blocks too."""
    for found in re.findall(REFERENCE, json.dumps(body)):
        block = bodies.get(found)
        if block and block.kind == "data":
            yield from references(block.body, bodies)
        elif block:
            yield f"terraform_data.{'_'.join(found)}"


def resource(name: str, body: Body, needs: list[str]) -> str:
    """A resource that writes down that it is destroyed."""
    given = {key: str(body[key]).removeprefix("${").removesuffix("}") for key in ("count", "for_each") if key in body}
    each = {"count": "  count = {}\n", "for_each": "  for_each = toset({})\n"}
    repeated = "".join(each[key].format(value) for key, value in given.items())
    return f"""\
resource "terraform_data" "{name}" {{
{repeated}  depends_on = [{", ".join(needs)}]
  provisioner "local-exec" {{
    when    = destroy
    command = "echo {name} >> destroyed"
  }}
}}
"""
