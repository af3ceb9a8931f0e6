"""Columns that give the target away are named when the contract is inferred, and honest ones are not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlops_kit.contract.infer import infer

ROWS = 400
DICE = np.random.default_rng(3)
NUMBER = DICE.lognormal(3, 1, ROWS).round(2)
LABEL = np.where(DICE.random(ROWS) < 0.3, "yes", "no")
SIGNAL = (LABEL == "yes") + DICE.normal(0, 0.4, ROWS)
DAYS = pd.Timestamp("2025-01-01") + pd.to_timedelta(DICE.integers(0, 300, ROWS), unit="D")


@pytest.fixture
def leaks(tmp_path: Path) -> Callable[..., list[str]]:
    """Gives what is said of leaks in a table whose last column is the target."""

    def look(**table: Any) -> list[str]:
        file = tmp_path / "rows.csv"
        pd.DataFrame({"signal": SIGNAL.round(3), **table}).to_csv(file, index=False)
        return [one.text for one in infer(file, list(table)[-1])[1] if "away" in one.text]

    return look


@pytest.mark.parametrize(
    "copied",
    [
        NUMBER * 2 + 1,
        np.log(NUMBER).round(4),
        pd.Series(NUMBER).rank(),
        -(NUMBER**3),
        np.log(NUMBER).round(1),
        pd.qcut(NUMBER, 4, labels=["d", "a", "c", "b"]),
        NUMBER > 30,
        pd.qcut(NUMBER, 10, labels=False),
    ],
    ids=["scaled", "logarithm", "rank", "cube", "rounded", "band", "flag", "tenth"],
)
def test_a_copy_of_a_number_is_named(leaks: Callable[..., list[str]], copied: Any) -> None:
    (told,) = leaks(copied=copied, number=NUMBER)
    assert told.startswith("'copied' gives 'number' away: ")


@pytest.mark.parametrize(
    "telling",
    [
        np.where(LABEL == "yes", DICE.choice(["left", "gone"], ROWS), DICE.choice(["here", "new"], ROWS)),
        np.where(LABEL == "yes", DICE.choice([3, 7], ROWS), DICE.choice([1, 5, 9], ROWS)),
        np.where(LABEL == "yes", DICE.choice([0.0, 200.0], ROWS), 100) + DICE.normal(0, 5, ROWS).round(3),
        np.where((LABEL == "yes") & (DICE.random(ROWS) < 0.8), DAYS.strftime("%Y-%m-%d"), ""),
        np.where(LABEL == "yes", "", DICE.normal(size=ROWS).round(3).astype(str)),
    ],
    ids=["category", "code", "ranges", "date of yes alone", "missing for yes alone"],
)
def test_what_tells_the_class_is_named(leaks: Callable[..., list[str]], telling: Any) -> None:
    (told,) = leaks(telling=telling, label=LABEL)
    assert told.startswith("'telling' gives 'label' away: ")


def test_a_row_number_of_sorted_rows_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    table = pd.DataFrame({"signal": SIGNAL.round(3), "label": LABEL}).sort_values("label", kind="stable")
    table.insert(0, "place", np.arange(7, 7 + 3 * ROWS, 3))
    table.to_csv(file, index=False)
    found = [one.text for one in infer(file, "label")[1] if "away" in one.text]
    assert found[0].startswith("'place' gives 'label' away: ranges of its values")


def test_a_date_after_the_fact_is_named(leaks: Callable[..., list[str]]) -> None:
    took = DICE.integers(1, 90, ROWS)
    opened, closed = DAYS, DAYS + pd.to_timedelta(took, unit="D")
    (told,) = leaks(opened=opened.strftime("%Y-%m-%d"), closed=closed.strftime("%Y-%m-%d"), took=took * 1.5)
    assert told.startswith("the time from 'opened' to 'closed' gives 'took' away")


@pytest.mark.parametrize("share", [0.5, 0.02])
def test_an_honest_column_is_not_named(leaks: Callable[..., list[str]], share: float) -> None:
    label = np.where(DICE.random(ROWS) < share, "yes", "no")
    strong = ((label == "yes") * 2 + DICE.normal(0, 0.5, ROWS)).round(3)
    gaps = np.where(DICE.random(ROWS) < 0.03, "", "seen")
    assert leaks(strong=strong, gaps=gaps, opened=DAYS.strftime("%Y-%m-%d"), label=label) == []
    number = (NUMBER + DICE.normal(0, 3, ROWS)).round(2)
    assert leaks(near=NUMBER, opened=DAYS.strftime("%Y-%m-%d"), group=DICE.choice(list("abc"), ROWS), n=number) == []
