"""Pipelines of scikit-learn and what speaks its language: written and read by skops, never pickled."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.frameworks.archive import check_archive
from mlops_kit.frameworks.errors import ModelError
from mlops_kit.ground import project

if TYPE_CHECKING:
    from mlops_kit.contract import Contract

PLATFORM = "mlflow_sklearn"
# Functions that only compute, which their pipelines hold.
FUNCTIONS = ("functools.partial", "sklearn.utils.validation.check_array")
CONNECTING = "sklearn.callback."  # its classes connect to the address that a file names


def trusted_types() -> list[str]:
    """What a model file may hold besides numpy and scikit-learn's own: reviewed, and nothing else is ever loaded.

    The library's own, also by the names that models of before have for them, and what the project's features.py and
    model.py list as TRUSTED_TYPES.
    """
    from mlops_kit import blending, estimators, features

    own = project().module("features")
    before = [
        f"{own.__name__}.{function.__name__}"
        for function in (features.date_parts, features.texts)
        if getattr(own, function.__name__, None) is function
    ]
    modules = (blending, estimators, features, own, project().module("model"))
    return [*FUNCTIONS, *before, *(name for module in modules for name in getattr(module, "TRUSTED_TYPES", ()))]


def types_of(folder: Path) -> Iterator[str]:
    """The TRUSTED_TYPES of the code that a model folder brings: for one whose hash git vouches for, as the champion's.

    Its code is read and not run.
    """
    for name in ("features", "model"):
        for file in sorted(folder.glob(f"code/*/{name}.py")):
            for line in ast.parse(file.read_text(encoding="utf-8")).body:
                targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
                if "TRUSTED_TYPES" in {getattr(one, "id", "") for one in targets}:
                    for one in ast.walk(line):
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            yield one.value


def save_model(model: Any, contract: Contract, folder: Path, **described: Any) -> None:
    """Write a fitted pipeline, by skops rather than pickle; `described` is what MLflow notes of it.

    Raises ModelError where it could not be read again.
    """
    import mlflow.sklearn
    import skops.io

    holds = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    unknown = untrusted(holds, trusted_types())
    if unknown:
        raise refused(folder, unknown)
    mlflow.sklearn.save_model(
        model, str(folder), serialization_format="skops", skops_trusted_types=list(holds), **described
    )


def load_model(folder: Path, also: Iterable[str] = ()) -> Any:
    """The pipeline in a model folder. It is read by skops and may only hold the trusted types: nothing is unpickled.

    `also` are types that are trusted for this one. Raises ModelError.
    """
    import skops.io

    file = folder / "model.skops"
    if not file.is_file():
        raise ModelError(f"{folder} holds no model. Train one: uv run poe repro")
    check_archive(file)
    holds = skops.io.get_untrusted_types(file=file)
    unknown = untrusted(holds, [*trusted_types(), *also])
    if unknown:
        raise refused(folder, unknown)
    return skops.io.load(file, trusted=list(holds))


def untrusted(holds: Iterable[str], trusted: Iterable[str]) -> list[str]:
    """Those of a file's types that are neither named nor scikit-learn's or numpy's own."""
    return sorted(name for name in holds if name not in {*trusted} and not _is_of_a_library(name))


def _is_of_a_library(name: str) -> bool:
    """Whether a name is that of a class of scikit-learn, or of a number or a generator of numpy.

    A class of another package that one of their modules imports is none: skops calls a type with what the file says,
    and such a one may open a file. Nothing but their own modules is imported.
    """
    import numpy as np

    module, _, of_class = name.rpartition(".")
    library = module.partition(".")[0]
    if library not in ("numpy", "sklearn"):
        return False
    try:
        found = getattr(import_module(module), of_class, None)
    except ImportError:
        return False
    if not isinstance(found, type) or found.__module__.partition(".")[0] != library:
        return False
    if library == "numpy":
        return issubclass(found, np.generic | np.dtype) or found.__module__.startswith("numpy.random.")
    return not found.__module__.startswith(CONNECTING)


def refused(folder: Path, unknown: list[str]) -> ModelError:
    """What is said of a model that holds more than the trusted types: all of them, as they are to be written."""
    listed = ", ".join(f'"{name}"' for name in unknown)
    return ModelError(
        f"{folder} holds types that are not trusted: {listed}.",
        f"Read what they do, then write into model.py: TRUSTED_TYPES = [{listed}]",
    )
