"""What a saved model takes and gives, in MLflow's words, and the packages that it needs."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mlops_kit.contract import Contract
from mlops_kit.frameworks import framework
from mlops_kit.ground import project
from mlops_kit.models.errors import ChampionError

if TYPE_CHECKING:
    from mlflow.models.signature import ModelSignature

# What loading and running any model needs, each distribution with its module; each framework adds its own.
REQUIREMENTS = {
    "mlflow": "mlflow",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
# A class of the target, in MLflow's words.
SIGNATURE_CLASSES = {bool: "boolean", int: "long", str: "string"}


def distributions() -> list[str]:
    """The distributions that load and run a model of the project's framework, sorted; not all may be installed."""
    return sorted({*REQUIREMENTS, *framework().REQUIREMENTS})


def requirements() -> Iterator[str]:
    """`name==version` of what the model needs here, in pip's words: the library's needs, and what its code imports."""
    for name in dict.fromkeys([*distributions(), *imported()]):
        with suppress(PackageNotFoundError):
            yield f"{name}=={version(name)}"


def imported() -> list[str]:
    """The installed distributions that the project's model code imports and `distributions` does not list, sorted."""
    stages = {"prepare.py", "train.py", "evaluate.py", "serve.py"}
    modules: set[str] = set()
    for file in (project().root / "src" / project().package).rglob("*.py"):
        if file.name in stages:
            continue
        for line in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(line, ast.Import):
                modules |= {one.name.partition(".")[0] for one in line.names}
            elif isinstance(line, ast.ImportFrom) and line.module and not line.level:
                modules.add(line.module.partition(".")[0])
    modules -= {*sys.stdlib_module_names, "mlops_kit", project().package}
    modules -= {*REQUIREMENTS.values(), *framework().REQUIREMENTS}
    if not modules:
        return []
    homes = packages_distributions()  # which reads what all installed distributions hold: half a second
    return sorted({name for module in modules for name in homes.get(module, [])})


def signature(contract: Contract) -> ModelSignature:
    """The model's signature by the contract; a column that may have missing values is optional."""
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    types = signature_types(contract)
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(types[column.name], column.name, required=not column.nulls) for column in contract.features
    ]
    return ModelSignature(Schema(inputs), Schema([ColSpec(output_type(contract))]))


def signature_types(contract: Contract) -> dict[str, str]:
    """MLflow's type of each feature, by its name."""
    kinds = dict(numeric="double", boolean="double", date="datetime", categorical="string", text="string")
    return {column.name: kinds[column.type] for column in contract.features}


def output_type(contract: Contract) -> str:
    """MLflow's type of the prediction."""
    return SIGNATURE_CLASSES[type(contract.classes[0])] if contract.classes else "double"


def check_signature(folder: Path, contract: Contract) -> None:
    """Raise ChampionError where the model's signature is not the contract's: it was trained for other data."""
    try:
        written = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["signature"]
        inputs = {column["name"]: column["type"] for column in json.loads(written["inputs"])}
        outputs = [column["type"] for column in json.loads(written["outputs"])]
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError):
        raise ChampionError(f"{folder} holds a model without a signature.") from None
    wanted = signature_types(contract)
    for name in [*wanted, *inputs]:
        if wanted.get(name) != inputs.get(name):
            raise ChampionError(
                f"The model does not fit contract.yaml: the column {name!r} is {wanted.get(name, 'not')} in the "
                f"contract and {inputs.get(name, 'not')} in the model. Train again: uv run poe repro"
            )
    if outputs != [output_type(contract)]:
        raise ChampionError(
            f"The model does not fit contract.yaml: it answers {', '.join(outputs)}, the target is "
            f"{output_type(contract)}. Train again: uv run poe repro"
        )
