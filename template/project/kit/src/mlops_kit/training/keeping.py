"""A fitted model kept: the folder model/, one run in MLflow."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_kit.contract import Contract
from mlops_kit.data import count_train_rows, train_part
from mlops_kit.frameworks import framework
from mlops_kit.ground import KitError, doing, params, project
from mlops_kit.models import log_training, requirements, signature
from mlops_kit.training.deciding import decided
from mlops_kit.training.metrics import check_metrics, positive_class

MODEL = Path("model")


def fit(model: Any, contract: Contract) -> Any:
    """Fit a model to the training set, in batches where that is larger than memory; returns the model.

    Raises ContractError for a model that cannot be fitted in batches, MetricError for a metric that does not fit,
    KitError for an object that is no estimator.
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
    doing("fit the model", count)
    if count > len(rows):
        framework().fit_in_batches(model, contract, rows)
    else:
        model.fit(contract.coerce(rows), contract.labels(rows))
    return model


def keep(model: Any, contract: Contract) -> None:
    """Save a fitted model to model/, and log one run with the parameters of params.yaml, the data and the commit.

    A model of a rare class, or one for which params.yaml asks for it, is kept with a decision threshold.
    Raises ModelError for a model that could not be loaded again, ServerError where the MLflow server does not answer.
    """
    model = decided(model, contract)
    rows = count_train_rows()
    doing("save the model", rows)
    save(model, contract, project().root / MODEL)
    run = log_training(params()["model"], rows)
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
