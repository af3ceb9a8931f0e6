"""The stage `prepare`: the raw data, checked against the contract and split into a training and a test part.

    uv run poe repro                      runs it with the other stages
    uv run poe sample --rows 100          generated rows, printed as CSV

Where the data is not here, generated rows stand in for it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ROOT, params
from .contract import Contract, ContractError, load, require, row_hashes

if TYPE_CHECKING:
    import pandas as pd

TRAIN = Path("data/prepared/train.parquet")
TEST = Path("data/prepared/test.parquet")
SAMPLE_ROWS = 1000  # stands in for the data where it is not to be had


def prepare() -> None:
    """Read, check, split, write both parts."""
    contract, settings = load(), params()["split"]
{% if compute == 'ray' %}
    from . import batches

    if batches.is_large(contract):
        batches.prepare(contract, settings["test"], settings["seed"])
        return
{% endif %}
    frame, source = available(contract)
    require(contract.check(frame), source)
    train, test = split(contract, frame, settings["test"], settings["seed"])
    (ROOT / TRAIN).parent.mkdir(parents=True, exist_ok=True)
    train.to_parquet(ROOT / TRAIN, index=False)
    test.to_parquet(ROOT / TEST, index=False)
    print(f"{source}: {len(train)} rows to train on, {len(test)} to test on")


def available(contract: Contract) -> tuple[pd.DataFrame, str]:
    """The raw data where it is here, else generated rows (a CI without access to the data); and which of them."""
    if (ROOT / contract.source.path).exists():
        frame = contract.read()
        kept = frame[frame[contract.target].notna()].reset_index(drop=True)
        if len(kept) < len(frame):
            print(f"{len(frame) - len(kept)} rows without a target are left out")
        return kept, contract.source.path
    return contract.sample(SAMPLE_ROWS), "generated rows (the data is not here)"


def split(contract: Contract, frame: pd.DataFrame, test: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test part, each class in both; rows that are equal in all features stay on one side.

    Raises ContractError where a class is too small to be in both.
    """
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import train_test_split

    groups = pd.Series(row_hashes(contract, frame), index=frame.index)
    first = ~groups.duplicated()
    labels = frame.loc[first, contract.target].astype("str") if contract.classes else None
    try:
        _, chosen = train_test_split(groups[first].to_numpy(), test_size=test, random_state=seed, stratify=labels)
    except ValueError as error:
        raise ContractError(f"The data cannot be split: {error}") from None
    in_test = np.isin(groups, chosen)
    return frame[~in_test].reset_index(drop=True), frame[in_test].reset_index(drop=True)


def train_part(contract: Contract, path: Path | None = None) -> pd.DataFrame:
{% if compute == 'ray' %}
    """The rows to train on; of more than are to be in memory, some of them."""
    from . import batches

    return batches.train_part(contract, path)
{% else %}
    """The rows to train on."""
    import pandas as pd

    return pd.read_parquet(path or ROOT / TRAIN)
{% endif %}


def write_example(contract: Contract) -> Path:
    """Write the example's raw file from a data set that scikit-learn carries: the same bytes on every machine."""
    from sklearn import datasets

    if contract.source.example == "diabetes":
        bunch: Any = datasets.load_diabetes(as_frame=True, scaled=False)
        frame = bunch.frame.rename(columns=dict(target="progression"))
    else:
        bunch = datasets.load_breast_cancer(as_frame=True)
        frame = bunch.data.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names))))
    path = ROOT / contract.source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")
    return path


def as_written(contract: Contract, rows: pd.DataFrame) -> pd.DataFrame:
    """Typed rows as the raw data has them: truths by its words, whole numbers without a point."""
    written = rows.copy()
    for column in contract.columns:
        if column.type == "boolean" and not column.categories:
            words = {1.0: (*column.true_values, "True")[0], 0.0: (*column.false_values, "False")[0]}
            written[column.name] = rows[column.name].map(words)
        elif column.integer and not column.categories:
            written[column.name] = rows[column.name].astype("Int64")
    return written


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="data", description="Prepare the data, or generate rows.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="check and split the raw data")
    sample = commands.add_parser("sample", help="write rows generated from the contract")
    sample.add_argument("--rows", type=int, default=100)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--output", type=Path, help="a CSV file; printed by default")
    options = parser.parse_args()
    try:
        if options.command == "prepare":
            prepare()
        else:
            contract = load()
            rows = as_written(contract, contract.sample(options.rows, options.seed))
            rows.to_csv(options.output or sys.stdout, index=False, **contract.source.style)
    except ContractError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # `poe repro` says what is now
        sys.exit(130)


if __name__ == "__main__":
    main()
