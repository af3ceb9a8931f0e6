"""Data that is larger than memory: checked, split and read again in batches.

A raw file of more rows than `split.rows_in_memory` in params.yaml goes this way. What is in memory of it is a batch
at a time; of its training part, where something needs rows at once, every k-th row.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
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
from mlops_kit.data.rule import WITHIN, Rule, in_order
from mlops_kit.data.splitting import (
    APART,
    COPIES,
    SPLIT_APART,
    by_group,
    by_time,
    codes_of,
    described,
    require_classes,
)
from mlops_kit.ground import doing, params, project

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

    The test part is never larger than what is to be in memory: more rows would not tell more of a model. Raises
    ContractError as `checked_rows` and `split` do.
    """
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    root, rule = project().root, Rule.read()
    doing(f"check {contract.source.path}")
    rows, violations = check_file(contract)
    doing("choose the test part", rows)
    require(violations, contract.source.path)
    rule = replace(rule, test=min(rule.test, rows_in_memory() / rows))
    reading = rule.reading(contract)
    in_test, told = choose_in_batches(contract, reading, rule)
    schema = arrow_schema(reading).with_metadata({"PANDAS_ATTRS": json.dumps({APART: told.startswith(SPLIT_APART)})})
    (root / TRAIN).parent.mkdir(parents=True, exist_ok=True)
    read = 0
    with ParquetWriter(root / TRAIN, schema) as to_train, ParquetWriter(root / TEST, schema) as to_test:
        for frame in typed_batches(reading):
            chosen = in_test[read : read + len(frame)]
            read += len(frame)
            doing("write both parts", read)
            for part, writer in ((frame[~chosen], to_train), (frame[chosen], to_test)):
                writer.write_table(arrow.Table.from_pandas(part, schema, preserve_index=False))
    print(described(in_test, rule, told))
    source = f"{contract.source.path}, in batches"
    print(f"{source}: {(~in_test).sum()} rows to train on, {in_test.sum()} to test on")


def choose_in_batches(contract: Contract, reading: Contract, rule: Rule) -> tuple[np.ndarray, str]:
    """Which rows belong to the test part, bool, shape (rows,), and what there is to say of it.

    Of each row a number and its class are in memory. Raises ContractError where a class would not be in both parts.
    """
    import numpy as np
    import pandas as pd

    keys, codes = [], []
    for frame in typed_batches(reading):
        codes.append(codes_of(contract, frame[contract.target]))
        keys.append(pd.Series(row_hashes(contract, frame)) if rule.by == "random" else frame[rule.column])
    values, classes = pd.concat(keys, ignore_index=True), np.concatenate(codes)
    if rule.by == "time":
        in_test, told = by_time(in_order(contract, rule, values), rule)
    elif rule.by == "group":
        in_test, told = by_group(values, classes, rule)
    else:
        in_test, told = by_hash(values, classes, rule)
    require_classes(contract, classes, in_test, values if rule.column else values.head(0))
    return in_test, told


def by_hash(hashes: pd.Series, codes: np.ndarray, rule: Rule) -> tuple[np.ndarray, str]:
    """A random part, where a row's own hash decides: it is on the same side in every order and version of the file.

    Rows that are equal in all features are on one side, unless most rows have an equal one or the share would bend:
    then a row's number among its equals decides too.
    """
    import numpy as np
    import pandas as pd

    def below(numbers: np.ndarray) -> np.ndarray:
        chosen: np.ndarray = pd.util.hash_array(numbers ^ np.uint64(rule.seed)) < rule.test * 2**64
        return chosen

    copies = float(hashes.duplicated(keep=False).mean())
    in_test = below(hashes.to_numpy())
    if copies <= COPIES and abs(in_test.mean() - rule.test) <= WITHIN:
        return in_test, f"equal rows stay on one side ({copies:.1%} of the rows have a copy)" if copies else ""
    if not copies:
        return in_test, ""
    number = hashes.groupby(hashes).cumcount().to_numpy(dtype="uint64")
    in_test = below(hashes.to_numpy() ^ pd.util.hash_array(number))
    return in_test, f"{SPLIT_APART}: {copies:.1%} of the rows have a copy, and the shares would bend"


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
    """The training set as a typed frame, shape (rows, columns); a sample of it where it is larger than memory.

    The sample is every k-th row and the first of each class. Raises FileNotFoundError before `prepare` has run.
    """
    import pandas as pd

    path = path or project().root / TRAIN
    if project().compute == "local":
        return pd.read_parquet(path)
    step = math.ceil(count_train_rows(path) / rows_in_memory())
    if step <= 1:
        return pd.read_parquet(path)
    read, classes = 0, set[Any]()
    kept: list[pd.DataFrame] = []
    for batch in parquet_batches(path):
        frame = batch.to_pandas()
        labels = frame[contract.target]
        chosen = ~labels.duplicated() & ~labels.isin(classes) & bool(contract.classes)
        chosen.iloc[-read % step :: step] = True
        kept.append(frame[chosen])
        classes |= set(labels) if contract.classes else set()
        read += len(frame)
    return pd.concat(kept, ignore_index=True)
