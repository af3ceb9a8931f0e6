"""The data is what the contract says, and the split is fair."""

import numpy as np
import pandas as pd
import pytest
from mlops_kit.contract import Contract, check_file, row_hashes
from mlops_kit.data import APART, has_data
from mlops_kit.ground import params

Parts = tuple[pd.DataFrame, pd.DataFrame]
LARGEST_SHIFT = 0.5  # population stability index; above 0.25 is worth a look, small parts are noisy


def stability_index(expected: pd.Series, actual: pd.Series, bins: int = 5) -> float:
    """The population stability index of two samples of numbers, by the quantiles of the first."""
    edges = np.unique(np.quantile(expected.dropna(), np.linspace(0, 1, bins + 1)))[1:-1]
    counts = [
        np.bincount(np.searchsorted(edges, part.dropna()), minlength=len(edges) + 1) for part in (expected, actual)
    ]
    first, second = (np.maximum(count / max(count.sum(), 1), 0.01) for count in counts)
    return float(((second - first) * np.log(second / first)).sum())


def test_the_data_keeps_the_contract(contract: Contract) -> None:
    if not has_data(contract):
        pytest.skip(f"{contract.source.path} is not here: get it with `uv run poe setup`")
    _, violations = check_file(contract)
    assert violations == []


def test_no_row_is_in_both_parts(contract: Contract, parts: Parts) -> None:
    if params()["split"].get("by", "random") != "random" or parts[1].attrs.get(APART):
        pytest.skip("rows that are equal in all features may be in both parts: `uv run poe repro` says why")
    train, test = (row_hashes(contract, part) for part in parts)
    assert not set(train) & set(test)


def test_the_parts_are_alike(contract: Contract, parts: Parts) -> None:
    train, test = parts
    if len(test) < 100:
        pytest.skip(f"{len(test)} rows to test on are too few to compare distributions")
    shifts = {name: stability_index(train[name], test[name]) for name in contract.of_type("numeric")}
    assert {name: shift for name, shift in shifts.items() if shift > LARGEST_SHIFT} == {}


def test_every_class_is_in_both_parts(contract: Contract, parts: Parts) -> None:
    for part in parts:
        assert set(contract.classes) <= set(part[contract.target])
