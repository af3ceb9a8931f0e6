"""How rows are split into a training and a test part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_kit.contract import Contract, ContractError, row_hashes

if TYPE_CHECKING:
    import pandas as pd


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
