"""infra/ of a rendered project: parsed, and held against what the providers take."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import hcl2
import uv
from hcl2.utils import SerializationOptions
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

CLOUDS = ("aws", "gcp", "azure")
CIS = ("github", "gitlab", "circleci", "jenkins")
# Each provider's published bindings: they are made from its schema. cloud -> (provider, its name, version).
BINDINGS = {"aws": ("aws", "21.22.1"), "gcp": ("google", "16.12.1"), "azure": ("azurerm", "14.23.1")}
PLAIN = SerializationOptions(with_comments=False, strip_string_quotes=True)
# What Terraform itself takes in any resource.
META = {"count", "depends_on", "dynamic", "for_each", "lifecycle", "provider", "timeouts", "__is_block__"}
Body = dict[str, Any]


def rendered(template: Path, folder: Path, **answers: str | list[str]) -> Path:
    """The infra/ of a project with these answers."""
    version = open_version(named_address(str(template)), None)
    render(version, folder, Asked(data={"project_name": "churn", **answers}, defaults=True)).tree.write_new(folder)
    return folder / "infra"


@dataclass(frozen=True)
class Block:
    """A resource or data block: where it is, its type and name, what is in it."""

    file: str
    kind: str
    type: str
    name: str
    body: Body


@dataclass(frozen=True)
class Module:
    """A folder of .tf files."""

    folder: Path

    @cached_property
    def text(self) -> str:
        """All of it, without comments."""
        files = (path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.tf")))
        return re.sub(r"(^|\s)#.*$", "", "\n".join(files), flags=re.MULTILINE)

    @cached_property
    def parsed(self) -> dict[str, Body]:
        """Each file, parsed by python-hcl2."""
        return {
            path.name: hcl2.loads(path.read_text(encoding="utf-8"), serialization_options=PLAIN)
            for path in sorted(self.folder.glob("*.tf"))
        }

    def named(self, kind: str) -> dict[str, Body]:
        """The blocks with one label: variable, output, module, provider."""
        rows = (row for file in self.parsed.values() for row in file.get(kind, []))
        return {name: body for row in rows for name, body in row.items()}

    @cached_property
    def locals(self) -> Body:
        """Its local values."""
        rows = (row for file in self.parsed.values() for row in file.get("locals", []))
        return {name: value for row in rows for name, value in row.items() if name != "__is_block__"}

    @cached_property
    def blocks(self) -> list[Block]:
        """Its resources and data blocks."""
        return [
            Block(file, kind, type_, name, body)
            for file, rows in self.parsed.items()
            for kind in ("resource", "data")
            for row in rows.get(kind, [])
            for type_, inner in row.items()
            for name, body in inner.items()
        ]

    def block(self, type_: str, name: str) -> Body:
        """One of them."""
        return next(block.body for block in self.blocks if (block.type, block.name) == (type_, name))


def modules(infra: Path) -> dict[str, Module]:
    """The root and each folder of modules/, by name; the root's is empty."""
    return {"": Module(infra), **{path.name: Module(path) for path in sorted((infra / "modules").iterdir())}}


# --- the providers' schemas ------------------------------------------------------------------------------------------


@cache
def bindings(cloud: str, folder: Path) -> Path:
    """The package of a cloud's bindings, unpacked; its sources are read, nothing of it is run."""
    provider, version = BINDINGS[cloud]
    package = f"cdktf-cdktf-provider-{provider}=={version}"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), package]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"cdktf_cdktf_provider_{provider}"


@dataclass(frozen=True)
class Arguments:
    """What a block takes: each argument with the class of its nested block, if it has one; and which it must have."""

    nested: dict[str, str]
    required: set[str]


class Schema:
    """The provider's published schema, read from its bindings."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.provider = package.name.removeprefix("cdktf_cdktf_provider_")

    @cache  # noqa: B019 - one object a test session
    def classes(self, type_: str, kind: str) -> dict[str, ast.ClassDef]:
        """The classes of a resource or data block, its own first. Raises AssertionError where there is no such type."""
        short = type_.removeprefix(f"{self.provider}_")
        path = self.package / (f"data_{type_}" if kind == "data" else short) / "__init__.py"
        assert path.exists(), f"{self.provider} has no {kind} {type_}"
        text = path.read_text(encoding="utf-8")
        assert f" {type_}}}" in text or kind == "provider", f"{path} is not of {type_}"
        return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}

    def arguments(self, classes: dict[str, ast.ClassDef], name: str) -> Arguments:
        """What the block of a class takes."""
        init = next(
            node for node in classes[name].body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        )
        nested, required = {}, set()
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
            plain = flat(argument.arg)
            written = [str(node.value) for node in ast.walk(argument) if isinstance(node, ast.Constant)]
            nested[plain] = next((word for word in written if word in classes), "")
            if default is None:
                required.add(plain)
        return Arguments(nested, required)

    def attributes(self, type_: str, kind: str) -> set[str]:
        """What can be read of a resource or data block."""
        own = next(iter(self.classes(type_, kind).values()))
        return {flat(node.name) for node in own.body if isinstance(node, ast.FunctionDef)}


def flat(name: str) -> str:
    """A name without what the bindings add or lose: underscores."""
    return name.replace("_", "")


def problems(schema: Schema, block: Block) -> Iterator[str]:
    """What is wrong with a block: arguments that the provider does not know, and such as are missing."""
    if block.type == "terraform_data":  # of Terraform itself: it takes input alone here
        assert set(block.body) <= {"input", "provisioner", *META}
        return
    classes = schema.classes(block.type, block.kind)
    own = next(iter(classes))
    yield from _problems(schema, classes, own, block.body, f"{block.file}: {block.type}.{block.name}")


def _problems(schema: Schema, classes: dict[str, ast.ClassDef], name: str, body: Body, where: str) -> Iterator[str]:
    takes = schema.arguments(classes, name)
    given = {key: value for key, value in body.items() if key not in META}
    for row in body.get("dynamic", []):
        given |= {key: list(inner["content"]) for key, inner in row.items() if key != "__is_block__"}
    for key in given:
        if flat(key) not in takes.nested:
            yield f"{where} has no argument {key}"
    for key in takes.required - {flat(key) for key in given}:
        yield f"{where} lacks {key}"
    for key, value in given.items():
        inner = takes.nested.get(flat(key))
        blocks = (
            [row for row in value if isinstance(row, dict) and "__is_block__" in row] if isinstance(value, list) else []
        )
        if blocks and not inner:
            yield f"{where}: {key} is no block"
        for row in blocks if inner else []:
            yield from _problems(schema, classes, inner or "", row, f"{where}.{key}")
