"""Rows generated from the contract, written as the raw data is.

    uv run poe sample --rows 100          printed as CSV

The same seed gives the same rows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit.contract import Contract, load
from mlops_kit.ground import command

if TYPE_CHECKING:
    import pandas as pd


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


@command
def main() -> None:
    """Parse the command line and write the rows."""
    parser = argparse.ArgumentParser(prog="poe sample", description="Write rows generated from the contract.")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a CSV file; printed by default")
    options = parser.parse_args()
    contract = load()
    rows = as_written(contract, contract.sample(options.rows, options.seed))
    rows.to_csv(options.output or sys.stdout, index=False, **contract.source.style)


if __name__ == "__main__":
    main()
