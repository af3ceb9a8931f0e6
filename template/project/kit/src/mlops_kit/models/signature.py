"""What a saved model takes and gives, in MLflow's words, and the packages that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from mlops_kit.contract import Contract

if TYPE_CHECKING:
    from mlflow.models.signature import ModelSignature

# What loading and running the model needs; the exact versions of this environment are written beside it.
REQUIREMENTS = (
    *("keras", "lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "pyyaml", "scikit-learn", "skops"),
    *("tensorflow", "tensorflow-cpu"),
)
# A class of the target, in MLflow's words.
SIGNATURE_CLASSES = {bool: "boolean", int: "long", str: "string"}


def requirements() -> Iterator[str]:
    """`name==version` of what the model needs here, in pip's words."""
    for name in REQUIREMENTS:
        with suppress(PackageNotFoundError):
            yield f"{name}=={version(name)}"


def signature(contract: Contract) -> ModelSignature:
    """The model's signature by the contract, not by chance values: a column that may be empty is optional."""
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    types = signature_types(contract)
    inputs = [ColSpec(types[column.name], column.name, required=not column.nulls) for column in contract.features]
    return ModelSignature(Schema(inputs), Schema([ColSpec(output_type(contract))]))


def signature_types(contract: Contract) -> dict[str, str]:
    """MLflow's type of each feature, by its name."""
    kinds = dict(numeric="double", boolean="double", date="datetime", categorical="string", text="string")
    return {column.name: kinds[column.type] for column in contract.features}


def output_type(contract: Contract) -> str:
    """MLflow's type of the prediction."""
    return SIGNATURE_CLASSES[type(contract.classes[0])] if contract.classes else "double"
