"""Batch prediction: a CSV or Parquet file in, the same rows with the champion's predictions out.

    uv run poe predict FILE --output predictions.csv

Without a file, rows generated from the contract are predicted, to show how it goes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mlops_kit import models
from mlops_kit.contract import Contract, ContractError, load, read_batches
from mlops_kit.ground import command

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predictions"]


def predictions(model: Any, contract: Contract, rows: pd.DataFrame) -> pd.DataFrame:
    """The column `prediction`, and for a classification a `probability CLASS` each: a frame with the index of `rows`.

    Raises ContractError for rows that the contract cannot read.
    """
    import pandas as pd

    ready = contract.coerce(rows)
    found = pd.DataFrame({"prediction": model.predict(ready)}, index=rows.index)
    if contract.classes:
        names = [f"probability {label}" for label in model.classes_]
        found = found.join(pd.DataFrame(model.predict_proba(ready).round(6), columns=names, index=rows.index))
    return found


def chunks(contract: Contract, path: Path | None) -> Iterator[pd.DataFrame]:
    """The file's rows as they stand, some at a time."""
    if path is None:
        yield contract.sample(10).drop(columns=contract.target)
    elif not path.is_file():
        raise ContractError(f"There is no file {path}.", "Check the path.")
    else:
        yield from read_batches(contract.source, path)


def predict(path: Path | None, output: Path | TextIO) -> int:
    """Predict a file with the champion, in CSV written as the training data is; gives back the number of rows."""
    contract, folder = load(), models.champion_folder()
    models.check_signature(folder, contract)
    model = models.load_model(folder)
    count = 0
    for rows in chunks(contract, path):
        # A column of the file that has the name of an answer keeps its values under another name.
        found = predictions(model, contract, rows)
        answered = rows.rename(columns={name: f"{name} (in the file)" for name in found.columns}).join(found)
        answered.to_csv(output, mode="a", header=not count, index=False, **contract.source.style)
        count += len(rows)
    return count


@command
def main() -> None:
    """Parse the command line and predict."""
    parser = argparse.ArgumentParser(prog="poe predict", description="Predict a file with the champion.")
    parser.add_argument("file", type=Path, nargs="?", help="CSV or Parquet; generated rows by default")
    parser.add_argument("--output", type=Path, help="a CSV file; printed by default")
    options = parser.parse_args()
    if options.output is None:
        predict(options.file, sys.stdout)
        return
    fresh = options.output.with_name(options.output.name + ".part")
    fresh.unlink(missing_ok=True)
    count = predict(options.file, fresh)
    fresh.replace(options.output)
    print(f"{count} rows predicted, written to {options.output}")


if __name__ == "__main__":
    main()
