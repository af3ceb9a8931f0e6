"""Training on more rows than are in memory at once: LightGBM reads the training part batch by batch.

It keeps its bins, about a byte a value, and some numbers a row.
https://lightgbm.readthedocs.io/en/stable/Python-Intro.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from pyarrow.parquet import ParquetFile
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from mlops_kit.contract import Contract, ContractError
from mlops_kit.data import TRAIN, count_train_rows
from mlops_kit.ground import project


class RowGroup(lightgbm.Sequence):
    """A row group of the training part, as the numbers that LightGBM takes: shape (rows, features)."""

    batch_size = 2**20  # all of its rows at a time

    def __init__(self, features: Any, number: int, rows: int) -> None:
        self.features, self.number, self.rows = features, number, rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: Any) -> np.ndarray:
        found: np.ndarray = self.features(self.number)[index]
        return found


def fit_in_batches(model: Any, contract: Contract, sample: pd.DataFrame) -> None:
    """Fit a pipeline that ends in LightGBM, or in a blend of it, to all rows of the training part.

    `sample` is what is in memory of them. The steps before are fitted to it, and it tells what follows from labels and
    parameters: of a blend, the number of rounds and the loss too. Then the booster of all rows takes its place. Raises
    ContractError for a model of another kind.
    """
    last = model[-1] if isinstance(model, Pipeline) else model
    trees = getattr(last, "trees", last)  # as build made them
    if not (isinstance(model, Pipeline) and isinstance(trees, lightgbm.LGBMModel)):
        raise ContractError(
            f"There are {count_train_rows()} rows to train on, more than split.rows_in_memory of params.yaml, and "
            f"{type(last).__name__} cannot take them in batches.",
            "Raise rows_in_memory if they fit, or end the pipeline of model.py in a model of LightGBM.",
        )
    estimator = fitted_to(sample, model, contract)
    file = ParquetFile(project().root / TRAIN)
    groups = range(file.num_row_groups)

    def labels(number: int) -> np.ndarray:
        frame = file.read_row_group(number, columns=[contract.target]).to_pandas()
        found = contract.labels(frame)
        return np.asarray(np.searchsorted(estimator.classes_, found) if contract.classes else found)

    @lru_cache(maxsize=1)
    def features(number: int) -> np.ndarray:
        found: np.ndarray = model[:-1].transform(contract.coerce(file.read_row_group(number).to_pandas()))
        return found

    target = np.concatenate([labels(number).astype("float32") for number in groups])
    weights = None
    if trees.class_weight:  # by label, not by its number
        weights = compute_sample_weight(trees.class_weight, estimator.classes_[target.astype("int64")])
        weights /= weights.mean() if trees is not last else 1.0  # as a blend does
    rows = [RowGroup(features, number, file.metadata.row_group(number).num_rows) for number in groups]
    parameters = {**estimator.booster_.params, "num_iterations": estimator.n_estimators, "early_stopping_round": 0}
    data = lightgbm.Dataset(rows, target, weight=weights, params=parameters)
    estimator._Booster = lightgbm.train(parameters, data)


def fitted_to(sample: pd.DataFrame, model: Any, contract: Contract) -> Any:
    """The estimator of LightGBM in a pipeline that is fitted to a sample: one tree of it, or a blend's trees alone."""
    last, few = model[-1], (contract.coerce(sample), contract.labels(sample))
    if isinstance(last, lightgbm.LGBMModel):
        rounds = last.n_estimators
        model.set_params(**{f"{model.steps[-1][0]}__n_estimators": 1}).fit(*few)
        return last.set_params(n_estimators=rounds)
    last.set_params(share=1.0)  # a linear model is for few rows
    return model.fit(*few)[-1].trees_
