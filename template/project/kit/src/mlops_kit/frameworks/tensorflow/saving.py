"""Keras networks: saved as Keras' own file and as a SavedModel, read without running code that is in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlops_kit.frameworks.archive import check_archive
from mlops_kit.frameworks.decision import Decision
from mlops_kit.frameworks.errors import ModelError

if TYPE_CHECKING:
    from mlops_kit.contract import Contract

PLATFORM = "mlflow_tensorflow"


def save_model(model: Any, contract: Contract, folder: Path, **described: Any) -> None:
    """Write a fitted network as Keras' own file and as a SavedModel; `described` is what MLflow notes of it."""
    import logging

    import mlflow.tensorflow
    from mlflow.models import Model

    from mlops_kit.frameworks.tensorflow.saved_model import export

    logging.getLogger("mlflow.tensorflow").setLevel(logging.ERROR)  # it misses the signature, which comes below
    described["metadata"] |= dict(columns=model.columns_, classes=list(model.classes))
    signature = described.pop("signature")
    mlflow.tensorflow.save_model(model.network_, str(folder), **described)
    # MLflow knows networks of one array: that this one takes a table, and who reads it so, is noted by hand.
    written = Model.load(str(folder))
    written.signature = signature
    written.flavors["python_function"]["loader_module"] = __name__
    written.save(str(folder / "MLmodel"))
    export(model, contract, folder / "saved_model")


def types_of(folder: Path) -> Iterable[str]:
    """None: a network holds Keras' own layers alone."""
    return ()


def load_model(folder: Path, also: Iterable[str] = ()) -> Any:
    """The network in a model folder. It holds layers and numbers; code in it is refused (safe mode), never run."""
    file = folder / "data/model.keras"
    if not file.is_file():
        raise ModelError(f"{folder} holds no model. Train one: uv run poe repro")
    check_archive(file)
    from mlops_kit.frameworks.tensorflow.estimator import restore
    from mlops_kit.frameworks.tensorflow.quietly import keras

    metadata = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["metadata"]
    try:
        network = keras.saving.load_model(file, compile=False, safe_mode=True)
    except ValueError as error:  # Keras's for code, and for a layer that it cannot make
        told = str(error).strip().partition(". ")[0].rstrip(".")
        raise ModelError(
            f"{file} cannot be read: {told}.",
            "Build the network from layers without code, then train again: uv run poe repro",
        ) from None
    decision = Decision(**metadata["decision"]) if metadata.get("decision") else None
    return restore(network, metadata["columns"], metadata["classes"], decision)


def decide(model: Any, decision: Decision) -> Any:
    """The fitted network, which answers by this threshold."""
    model.decision = decision
    return model


def decision_of(model: Any) -> Decision | None:
    """How a network decides; None where its answer is the most likely class."""
    found = getattr(model, "decision", None)
    return found if isinstance(found, Decision) else None


def _load_pyfunc(path: str) -> Any:
    """What `mlflow.pyfunc` calls to load the model."""
    return load_model(Path(path).parent)
