"""Data that is larger than memory: checked, split and read again in batches.

A raw file of more rows than `split.rows_in_memory` in params.yaml goes this way. What is in memory of it is a batch
at a time; of its training part, where something needs rows at once, every k-th row.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import (
    Contract,
    ContractError,
    check_file,
    parquet_batches,
    read_batches,
    require,
    row_hashes,
    typed_batches,
)
from mlops_kit.data.parts import TEST, TRAIN
from mlops_kit.ground import params, project

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import pyarrow as arrow

ROWS_IN_MEMORY = 1_000_000  # where params.yaml says nothing


def rows_in_memory() -> int:
    """The most rows that are to be in memory at once. Raises ContractError for what is no number of rows."""
    rows = params()["split"].get("rows_in_memory", ROWS_IN_MEMORY)
    if not isinstance(rows, int) or rows < 1:
        raise ContractError(f"split.rows_in_memory in params.yaml is {rows!r}.", "Give a whole number of rows.")
    return rows


def is_large(contract: Contract) -> bool:
    """Whether the raw file has more rows than are to be in memory; no more of it is read than it takes to know.

    Never in a project with `compute: local`, which has all rows in memory.
    """
    if project().compute == "local":
        return False
    path, limit = project().root / contract.source.path, rows_in_memory()
    if not path.exists():
        return False
    rows = accumulate(map(len, read_batches(contract.source, path)))
    return any(read > limit for read in rows)


def prepare_in_batches(contract: Contract) -> None:
    """Check the raw file, split it batch by batch, write both parts.

    The test part is never larger than what is to be in memory: more rows would not tell more of a model.
    """
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    root, settings = project().root, params()["split"]
    rows, violations = check_file(contract)
    require(violations, contract.source.path)
    share = min(settings["test"], rows_in_memory() / rows)
    schema = arrow_schema(contract)
    train, kept = Counter[Any](), Counter[Any]()
    (root / TRAIN).parent.mkdir(parents=True, exist_ok=True)
    with ParquetWriter(root / TRAIN, schema) as to_train, ParquetWriter(root / TEST, schema) as to_test:
        for frame in typed_batches(contract):
            chosen = in_test(contract, frame, share, settings["seed"])
            for part, writer, count in ((frame[~chosen], to_train, train), (frame[chosen], to_test, kept)):
                writer.write_table(arrow.Table.from_pandas(part, schema, preserve_index=False))
                count.update(part[contract.target] if contract.classes else {"a row": len(part)})
    for label in contract.classes or ["a row"]:
        if not (train[label] and kept[label]):
            raise ContractError(f"The data cannot be split: {label} is not in both parts.", "Give more rows of it.")
    source = f"{contract.source.path}, in batches"
    print(f"{source}: {train.total()} rows to train on, {kept.total()} to test on")


def in_test(contract: Contract, frame: pd.DataFrame, share: float, seed: int) -> np.ndarray:
    """Which rows belong to the test part: bool, shape (rows,).

    A row's own hash decides: it is on the same side in every order and version of the file, and rows that are equal in
    all features are on one side.
    """
    import numpy as np
    import pandas as pd

    return pd.util.hash_array(row_hashes(contract, frame) ^ np.uint64(seed)) < share * 2**64


def arrow_schema(contract: Contract) -> arrow.Schema:
    """The types of a prepared part, whatever is missing in a batch."""
    import pyarrow as arrow

    floats = dict.fromkeys(("numeric", "boolean"), arrow.float64())
    kinds = {**floats, "date": arrow.timestamp("us"), "categorical": arrow.string(), "text": arrow.string()}
    types = {column.name: kinds[column.type] for column in contract.columns}
    if contract.classes:
        kinds_of_labels = {bool: arrow.bool_(), int: arrow.int64(), str: arrow.string()}
        types[contract.target] = kinds_of_labels[type(contract.classes[0])]
    return arrow.schema(types)


def count_train_rows(path: Path | None = None) -> int:
    """The rows of a training part: the prepared one where no other is named."""
    from pyarrow.parquet import read_metadata

    return int(read_metadata(path or project().root / TRAIN).num_rows)


def train_part(contract: Contract, path: Path | None = None) -> pd.DataFrame:
    """The rows to train on; of more than are to be in memory, every k-th and the first of each class."""
    import pandas as pd

    path = path or project().root / TRAIN
    if project().compute == "local":
        return pd.read_parquet(path)
    step = math.ceil(count_train_rows(path) / rows_in_memory())
    if step <= 1:
        return pd.read_parquet(path)
    read, classes, kept = 0, set[Any](), []
    for batch in parquet_batches(path):
        frame = batch.to_pandas()
        labels = frame[contract.target]
        chosen = ~labels.duplicated() & ~labels.isin(classes) & bool(contract.classes)
        chosen.iloc[-read % step :: step] = True
        kept.append(frame[chosen])
        classes |= set(labels) if contract.classes else set()
        read += len(frame)
    return pd.concat(kept, ignore_index=True)
