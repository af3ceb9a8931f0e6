"""Training on more rows than are in memory at once: an estimator with partial_fit learns batch by batch.

https://scikit-learn.org/stable/computing/scaling_strategies.html
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from mlops_kit.contract import Contract, ContractError, parquet_batches
from mlops_kit.data import TRAIN, count_train_rows
from mlops_kit.ground import project


def fit_in_batches(model: Any, contract: Contract, sample: pd.DataFrame) -> None:
    """Fit a pipeline to all rows of the training part, once through; `sample` is what is in memory of them.

    The steps before the estimator are fitted to the sample. Raises ContractError for an estimator that needs all rows.
    """
    estimator = model[-1] if isinstance(model, Pipeline) else model
    if not (isinstance(model, Pipeline) and hasattr(estimator, "partial_fit")):
        raise ContractError(
            f"There are {count_train_rows()} rows to train on, more than split.rows_in_memory of params.yaml, and "
            f"{type(estimator).__name__} needs them all in memory.",
            "Raise rows_in_memory if they fit; else end the pipeline of model.py in an estimator with partial_fit, "
            "or change to LightGBM, which trains in batches: mlops add lightgbm",
        )
    features = model[:-1].fit(contract.coerce(sample), contract.labels(sample))
    classes = {"classes": contract.classes} if contract.classes else {}
    for batch in parquet_batches(project().root / TRAIN):
        frame = batch.to_pandas()
        estimator.partial_fit(features.transform(contract.coerce(frame)), contract.labels(frame), **classes)
