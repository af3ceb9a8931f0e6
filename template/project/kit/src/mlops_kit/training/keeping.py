"""A fitted model kept: the folder model/, one run in MLflow."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract, ContractError, to_numbers
from mlops_kit.data import count_train_rows, train_part
from mlops_kit.frameworks import fit_in_batches, framework
from mlops_kit.ground import KitError, doing, params, project
from mlops_kit.models import record_training, requirements, signature
from mlops_kit.training.deciding import decided
from mlops_kit.training.metrics import check_metrics, positive_class

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MODEL = Path("model")
INSTALLED = "_MODULES_TO_PACKAGES"  # what MLflow has found, by its own name; one that it does not know changes nothing
# The column of weights that a model of this process was fitted with, by its id: the threshold's folds take the same.
weighted: dict[int, str] = {}


def fit(model: Any, contract: Contract, weights: str = "") -> Any:
    """Fit a model to the training set, in batches where that is larger than memory; returns the model.

    `weights` is the column with the weight of each row. Raises ContractError if one is missing or negative, or the
    model cannot be fitted in batches, MetricError for a metric that does not fit, KitError for an object that is no
    estimator.
    """
    missing = [name for name in ("fit", "predict") if not callable(getattr(model, name, None))]
    if missing:
        raise KitError(
            f"`build` in model.py returned {type(model).__name__}, which has no {' and no '.join(missing)}.",
            "Return an estimator that is not fitted yet.",
        )
    rows = train_part(contract)
    check_metrics(contract, rows)
    positive = positive_class(contract)
    if positive is not None:
        share = float((rows[contract.target] == positive).mean())
        print(f"positive class: {positive!r}, {share:.1%} of the rows (another one: evaluate.positive in params.yaml)")
    count = count_train_rows()
    weighted[id(model)] = weights
    if weights:
        weights_of(contract, rows, weights)
    doing("fit the model", count)
    if count > len(rows):
        fit_in_batches(model, contract, rows)
        return model
    return learn(model, contract, rows, weights)


def learn(model: Any, contract: Contract, rows: pd.DataFrame, weights: str) -> Any:
    """Fit a model to rows, with the weights of a column where one is named; returns the model."""
    found = {}
    if weights:
        step = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
        found = {f"{step}sample_weight": weights_of(contract, rows, weights)}
    model.fit(contract.coerce(rows), contract.labels(rows), **found)
    return model


def weights_of(contract: Contract, rows: pd.DataFrame, name: str) -> np.ndarray:
    """The weights in a column: float64, shape (rows,). Raises ContractError for one that is missing or negative."""
    import numpy as np

    if name not in rows:
        raise ContractError(
            f"train.py takes the weights from {name!r}, which the training part does not have.",
            f"If the raw file has it, keep it in prepare.py: checked_rows(contract, {name!r}).",
        )
    found = np.asarray(to_numbers(rows[name], contract.source.decimal, contract.source.thousands), dtype="float64")
    odd = np.flatnonzero(~np.isfinite(found) | (found < 0))
    if len(odd) or not found.sum():
        told = f"such as {rows[name].iloc[odd[0]]} ({len(odd)} such rows)" if len(odd) else "in which all are 0"
        raise ContractError(
            f"The weights in {name!r} cannot be used, {told}.",
            "A weight is a number of at least 0: see to it in prepare.py.",
        )
    return found


def keep(model: Any, contract: Contract) -> None:
    """Save a fitted model to model/, and log one run with the parameters of params.yaml, the data and the commit.

    A model of a rare class, or one for which params.yaml asks for it, is kept with a decision threshold.
    Raises ModelError for a model that could not be loaded again, ServerError where the MLflow server does not answer.
    """
    weights = weighted.get(id(model), "")
    model = decided(model, contract, lambda fresh, rows: learn(fresh, contract, rows, weights))
    rows = count_train_rows()
    doing("save the model", rows)
    save(model, contract, project().root / MODEL)
    run = record_training(params()["model"], rows)
    (project().root / MODEL / "run_id").write_text(run + "\n", encoding="utf-8")
    print(f"trained on {rows} rows, run {run}")


def save(model: Any, contract: Contract, folder: Path) -> None:
    """Write a model folder: nothing pickled, signature from the contract, the code that reads it beside it."""
    # It warns that pip has no version: uv installs no pip.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    shutil.rmtree(folder, ignore_errors=True)
    described: dict[str, Any] = dict(problem=contract.problem, target=contract.target)
    decision = framework().decision_of(model)
    if decision:
        described["decision"] = asdict(decision)
    with versions_known():
        framework().save_model(
            model,
            contract,
            folder,
            signature=signature(contract),
            pip_requirements=list(requirements()),
            code_paths=[str(path) for path in project().code],
            metadata=described,
        )
    for cached in folder.rglob("__pycache__"):
        shutil.rmtree(cached)


@contextmanager
def versions_known() -> Iterator[None]:
    """Keep MLflow from searching all installed packages for versions that `requirements` has read: half a second."""
    from mlflow.utils import requirements_utils

    names = vars(requirements_utils)
    before = names.get(INSTALLED)
    names[INSTALLED] = {}
    try:
        yield
    finally:
        names[INSTALLED] = before
