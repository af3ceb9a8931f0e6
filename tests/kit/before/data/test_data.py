"""The data is what the contract says, and the split is fair."""

import numpy as np
import pandas as pd
import pytest

from {{ package_name }} import ROOT
from {{ package_name }}.contract import (
    Column,
    Contract,
    ContractError,
    check_file,
    convert,
    to_numbers,
)

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
    if not (ROOT / contract.source.path).exists():
        pytest.skip(f"{contract.source.path} is not here: get it with `uv run poe setup`")
    _, violations = check_file(contract)
    assert violations == []


def test_generated_rows_keep_the_contract(contract: Contract) -> None:
    assert contract.check(contract.sample(200)) == []


def test_a_broken_row_is_found(contract: Contract) -> None:
    rows = contract.sample(200)
    rows[contract.target] = None
    assert any(repr(contract.target) in violation for violation in contract.check(rows))


@pytest.mark.parametrize("written", ["", "%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S%z"])
def test_dates_with_a_time_zone_are_read_in_utc_beside_those_without(contract: Contract, written: str) -> None:
    sent = ["2026-01-31", None, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00-05:00"]
    read = convert(contract, Column("day", "date", format=written), pd.Series(sent, dtype=object))
    assert read.dtype == "datetime64[us]"
    assert read.dt.strftime("%d %H").tolist() == ["31 00", np.nan, "31 12", "31 10", "31 17"]


@pytest.mark.parametrize("written", ["", "%Y-%m-%d", "%d.%m.%Y"])
@pytest.mark.parametrize("word", ["now", "today", "soon"])
def test_a_word_is_no_date(contract: Contract, written: str, word: str) -> None:
    with pytest.raises(ContractError, match=f"{word}' is no date"):
        convert(contract, Column("day", "date", format=written), pd.Series(["2026-01-31", word], dtype=object))


def test_points_between_thousands_are_no_decimal_points() -> None:
    written = pd.Series(["1.500", "1.234.567,5", "950", "1.5", "0.125"])
    assert to_numbers(written, ",", ".").dropna().tolist() == [1500, 1234567.5, 950]


def test_no_row_is_in_both_parts(contract: Contract, parts: Parts) -> None:
    features = [column.name for column in contract.features]
    train, test = (pd.util.hash_pandas_object(part[features], index=False) for part in parts)
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
