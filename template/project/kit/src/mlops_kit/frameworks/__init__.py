"""How models of each framework are saved, loaded, and fitted in batches; one package a framework."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from mlops_kit.frameworks.decision import Decision
from mlops_kit.frameworks.errors import ModelError
from mlops_kit.ground import project

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

__all__ = ["Decision", "Framework", "ModelError", "fit_in_batches", "framework"]


class Framework(Protocol):
    """What a package of this room has, beside its module `batches` with `fit_in_batches`.

    Its `__init__` imports neither the framework nor MLflow: a service's image has no MLflow, and a task that needs no
    model starts without loading either. Import them inside the functions.
    """

    PLATFORM: str  # as the Open Inference Protocol names it
    REQUIREMENTS: tuple[str, ...]  # the distributions that a saved model needs, without those that all frameworks share

    def save_model(self, model: Any, contract: Contract, folder: Path, **described: Any) -> None:
        """Write a fitted model as a model folder of MLflow, which `mlflow.pyfunc.load_model` reads too.

        `described` has the arguments of MLflow's `save_model`: signature, pip_requirements, code_paths, metadata.
        Raises ModelError if the model could not be loaded again.
        """

    def load_model(self, folder: Path, also: Iterable[str] = ()) -> Any:
        """The model in a folder, which may hold these types too; none of its code is run. Raises ModelError."""

    def decide(self, model: Any, decision: Decision) -> Any:
        """A fitted classifier that answers by this threshold."""

    def decision_of(self, model: Any) -> Decision | None:
        """How a model decides; None where its answer is the most likely class."""

    def types_of(self, folder: Path) -> Iterable[str]:
        """The types that the code of a model folder has trusted, read and not run."""


def framework() -> Framework:
    """The framework of the project that is worked for; only this one is imported."""
    return cast(Framework, import_module(f"mlops_kit.frameworks.{project().framework}"))


def fit_in_batches(model: Any, contract: Contract, sample: pd.DataFrame) -> None:
    """Fit to all rows of the training part, as the framework's module `batches` does.

    `sample` is what is in memory of them. Raises ContractError for a model that needs all rows at once.
    """
    # It imports pyarrow, which is not in a service's image.
    import_module(f"mlops_kit.frameworks.{project().framework}.batches").fit_in_batches(model, contract, sample)
