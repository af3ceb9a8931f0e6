"""Training on more rows than are in memory at once: the network reads the training part batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from pyarrow.parquet import ParquetFile

from mlops_kit.contract import Contract
from mlops_kit.data import TRAIN
from mlops_kit.frameworks.tensorflow.estimator import VALIDATED, Network
from mlops_kit.frameworks.tensorflow.features import tensors
from mlops_kit.frameworks.tensorflow.quietly import tensorflow as tf
from mlops_kit.ground import project


def fit_in_batches(model: Network, contract: Contract, sample: pd.DataFrame) -> None:
    """Fit a network to all rows of the training part; `sample` is what is in memory of them.

    The sample gives what the first and the last layer are scaled by, and the words of texts. An epoch takes the row
    groups in random order, and each one's rows in random order: a file that is sorted by its target is better mixed
    before.
    """
    file, epochs = ParquetFile(project().root / TRAIN), count(model.parameters["seed"])
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    held = [int(size * VALIDATED) for size in sizes]
    columns = [column.name for column in contract.features]

    def numbers(frame: pd.DataFrame) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        return tuple(tensors(contract.coerce(frame), columns)), model.targets(contract.labels(frame))

    def batches(held_out: bool) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
        """One time through: a share of each row group, always the same, tells when to stop."""
        random = np.random.default_rng(next(epochs))
        for group in random.permutation(len(sizes)):
            frame, stop = file.read_row_group(group).to_pandas(), held[group]
            yield numbers(frame[:stop] if held_out else frame[stop:].sample(frac=1, random_state=random))

    def dataset(held_out: bool) -> Any:
        like = tf.nest.map_structure(
            lambda array: tf.TensorSpec([None, *array.shape[1:]], array.dtype), numbers(sample[:1])
        )
        size, rows = (1024, sum(held)) if held_out else (model.parameters["batch_size"], sum(sizes) - sum(held))
        found = tf.data.Dataset.from_generator(lambda: batches(held_out), output_signature=like).rebatch(size)
        return found.apply(tf.data.experimental.assert_cardinality(ceil(rows / size))).prefetch(2)

    model.fit(contract.coerce(sample), contract.labels(sample), datasets=(dataset(False), dataset(True)))
