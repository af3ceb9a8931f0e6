"""A fitted model kept: the folder model/, one run in MLflow."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from mlops_kit.contract import Contract
from mlops_kit.data import count_train_rows, train_part
from mlops_kit.frameworks import framework
from mlops_kit.ground import params, project
from mlops_kit.models import log_training, requirements, signature
from mlops_kit.training.metrics import check_metrics

MODEL = Path("model")


def fit(model: Any, contract: Contract) -> Any:
    """Fit a model to the training set, in batches where that is larger than memory; returns the model.

    Raises ContractError for a model that cannot be fitted in batches, MetricError for a metric that does not fit.
    """
    rows = train_part(contract)
    check_metrics(contract, rows)
    if count_train_rows() > len(rows):
        framework().fit_in_batches(model, contract, rows)
    else:
        model.fit(contract.coerce(rows), contract.labels(rows))
    return model


def keep(model: Any, contract: Contract) -> None:
    """Save a fitted model to model/, and log one run with the parameters of params.yaml, the data and the commit.

    Raises ModelError for a model that could not be loaded again, ServerError where the MLflow server does not answer.
    """
    save(model, contract, project().root / MODEL)
    rows = count_train_rows()
    run = log_training(params()["model"], rows)
    (project().root / MODEL / "run_id").write_text(run + "\n", encoding="utf-8")
    print(f"trained on {rows} rows, run {run}")


def save(model: Any, contract: Contract, folder: Path) -> None:
    """Write a model folder: nothing pickled, signature from the contract, the code that reads it beside it."""
    # It warns that pip has no version: uv installs no pip.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    shutil.rmtree(folder, ignore_errors=True)
    framework().save_model(
        model,
        contract,
        folder,
        signature=signature(contract),
        pip_requirements=list(requirements()),
        code_paths=[str(path) for path in project().code],
        metadata=dict(problem=contract.problem, target=contract.target),
    )
    for cached in folder.rglob("__pycache__"):
        shutil.rmtree(cached)
