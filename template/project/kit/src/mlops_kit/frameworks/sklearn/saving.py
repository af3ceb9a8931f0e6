"""Pipelines of scikit-learn and what speaks its language: written and read by skops, never pickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.frameworks.archive import check_archive
from mlops_kit.frameworks.errors import ModelError
from mlops_kit.ground import project

if TYPE_CHECKING:
    from mlops_kit.contract import Contract

PLATFORM = "mlflow_sklearn"


def trusted_types() -> list[str]:
    """What a model file may hold besides numpy and scikit-learn's own: reviewed, and nothing else is ever loaded.

    The library's own functions, also by the names that models of before have for them, and what the project's
    features.py and model.py list as TRUSTED_TYPES.
    """
    from mlops_kit import features

    own = project().module("features")
    before = [
        f"{own.__name__}.{function.__name__}"
        for function in (features.date_parts, features.texts)
        if getattr(own, function.__name__, None) is function
    ]
    modules = (features, own, project().module("model"))
    return [*before, *(name for module in modules for name in getattr(module, "TRUSTED_TYPES", ()))]


def save_model(model: Any, contract: Contract, folder: Path, **described: Any) -> None:
    """Write a fitted pipeline, by skops rather than pickle; `described` is what MLflow notes of it.

    Raises ModelError where it could not be read again.
    """
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        mlflow.sklearn.save_model(
            model, str(folder), serialization_format="skops", skops_trusted_types=trusted_types(), **described
        )
    except MlflowException as error:
        if isinstance(error.__context__, UntrustedTypesFoundException):
            raise untrusted(folder, error.__context__) from None
        raise


def load_model(folder: Path) -> Any:
    """The pipeline in a model folder. It is read by skops and may only hold the trusted types: nothing is unpickled.

    Raises ModelError.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    check_archive(folder / "model.skops")
    try:
        return skops.io.load(folder / "model.skops", trusted=trusted_types())
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no model. Train one: uv run poe repro") from None
    except UntrustedTypesFoundException as error:
        raise untrusted(folder, error) from None


def untrusted(folder: Path, error: Exception) -> ModelError:
    """What is said of a model that holds more than the trusted types; skops names them in its first line."""
    return ModelError(
        f"{folder}: {str(error).splitlines()[0]} Read what they do, then name them in TRUSTED_TYPES of model.py; what "
        "the champion holds stays there until another one is promoted."
    )
