"""The stage `train`: fit the model on the training part, save it as an MLflow model, log one MLflow run."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from . import ROOT, {% if compute == 'ray' %}batches, {% endif %}params, tracking
from .contract import Contract, ContractError, load
from .data import train_part
{% if compute == 'ray' %}
from .train_batches import fit_in_batches
{% endif %}

if TYPE_CHECKING:
    from mlflow.models.signature import ModelSignature

# What loading and running the model needs; the exact versions of this environment are written beside it.
REQUIREMENTS = (
    *("keras", "lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "pyyaml", "scikit-learn", "skops"),
    *("tensorflow", "tensorflow-cpu"),
)
# A class of the target, in MLflow's words.
SIGNATURE_CLASSES = {bool: "boolean", int: "long", str: "string"}


def train() -> None:
    """Fit, save to model/, log the run."""
    from .model import build

    contract, parameters = load(), params()["model"]
    tracking.client()  # a server that is away is told before the training, not after it
    frame, model = train_part(contract), build(contract, parameters)
{% if compute == 'ray' %}
    rows = batches.count_train_rows()
    if rows > len(frame):
        fit_in_batches(model, contract, sample=frame)
    else:
        model.fit(contract.coerce(frame), contract.labels(frame))
{% else %}
    rows = len(frame)
    model.fit(contract.coerce(frame), contract.labels(frame))
{% endif %}
    save(model, contract)
    run = tracking.log_training(parameters, rows)
    (ROOT / "model/run_id").write_text(run + "\n", encoding="utf-8")
    print(f"trained on {rows} rows, run {run}")


def save(model: Any, contract: Contract) -> None:
    """Write the model folder: nothing pickled, signature from the contract, our own code beside it."""
    # It warns that pip has no version: uv installs no pip.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    folder = ROOT / "model"
    shutil.rmtree(folder, ignore_errors=True)
    tracking.save_model(
        model,
        contract,
        folder,
        signature=signature(contract),
        pip_requirements=list(requirements()),
        code_paths=[str(ROOT / "src" / __package__)],
        metadata=dict(problem=contract.problem, target=contract.target),
    )
    for cached in folder.rglob("__pycache__"):
        shutil.rmtree(cached)


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


def main() -> None:
    """Train; a sentence on failure."""
    try:
        with tracking.in_a_sentence():
            train()
    except (ContractError, tracking.ChampionError, FileNotFoundError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # `poe repro` says what is now
        sys.exit(130)


if __name__ == "__main__":
    main()
