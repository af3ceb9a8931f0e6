"""The prepared data: data/prepared/train.parquet and test.parquet, and what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit.contract import Contract, require
from mlops_kit.data.rule import Rule, generated_rows, with_column
from mlops_kit.ground import doing, project

if TYPE_CHECKING:
    import pandas as pd

TRAIN = Path("data/prepared/train.parquet")
TEST = Path("data/prepared/test.parquet")
SAMPLE_ROWS = 1000  # stands in for the data where it is not to be had
GENERATED = "generated rows (the data is not here)"


def has_data(contract: Contract) -> bool:
    """Whether the raw data is here; a CI without access to the DVC remote works on generated rows."""
    return (project().root / contract.source.path).exists()


def checked_rows(contract: Contract, *also: str) -> pd.DataFrame:
    """The raw rows that have a target, typed and checked; generated rows where the data is not here.

    The column that they are split by is among theirs, and those named `also`, such as a weight, which need not be
    features. Raises ContractError where a row breaks the contract, or params.yaml names no split that there can be.
    """
    reading = Rule.read().reading(contract)
    for name in also:
        reading = with_column(reading, name, "prepare.py asks for the column")
    if not has_data(contract):
        print(GENERATED)
        made = generated_rows(contract, SAMPLE_ROWS)
        return made.assign(**{name: 1.0 for name in also if name not in made})
    doing(f"read {contract.source.path}")
    rows = reading.read()
    kept = rows[rows[contract.target].notna()].reset_index(drop=True)
    if len(kept) < len(rows):
        print(f"{len(rows) - len(kept)} rows without a target are left out")
    doing("check the rows", len(kept))
    require(contract.check(kept), contract.source.path)
    return kept


def write_parts(train: pd.DataFrame, test: pd.DataFrame) -> None:
    """Write two typed frames to data/prepared/train.parquet and test.parquet, which the other stages read."""
    root = project().root
    doing("write both parts", len(train) + len(test))
    (root / TRAIN).parent.mkdir(parents=True, exist_ok=True)
    train.to_parquet(root / TRAIN, index=False)
    test.to_parquet(root / TEST, index=False)
    print(f"{len(train)} rows to train on, {len(test)} to test on")


def test_part() -> pd.DataFrame:
    """The test set as a typed frame, shape (rows, columns). Raises FileNotFoundError before `prepare` has run."""
    import pandas as pd

    return pd.read_parquet(project().root / TEST)
