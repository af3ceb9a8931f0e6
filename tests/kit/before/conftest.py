"""What all tests share. They run on rows generated from the contract, so they are green without the data."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from {{ package_name }} import ROOT, params
from {{ package_name }}.contract import Contract, load
from {{ package_name }}.data import TEST, split, train_part
from {{ package_name }}.model import build


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The project's contract."""
    return load()


@pytest.fixture(scope="session")
def parts(contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A training and a test part: the prepared ones where they are here, else generated rows."""
    if (ROOT / TEST).exists():
        return train_part(contract), pd.read_parquet(ROOT / TEST)
    settings = params()["split"]
    return split(contract, contract.sample(1000), settings["test"], settings["seed"])


@pytest.fixture(scope="session")
def model(contract: Contract, parts: tuple[pd.DataFrame, pd.DataFrame]) -> Any:
    """A model trained for these tests, on at most 5,000 rows."""
    train = parts[0].head(5000)
    return build(contract, params()["model"]).fit(contract.coerce(train), contract.labels(train))
