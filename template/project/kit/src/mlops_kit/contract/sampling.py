"""Rows generated from the contract: for tests and CI, where the real data must not or cannot be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract.contract import Column, Contract


def sample(contract: Contract, rows: int, seed: int) -> pd.DataFrame:
    """Generated rows that keep the contract: for tests and CI, where the real data must not or cannot be.

    Each feature is drawn on its own; the target follows a weighted sum of their ranks, so that a model can learn it.
    """
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(seed)
    data: dict[str, Any] = {}
    score = np.zeros(rows)
    for weight, column in enumerate(contract.features, start=1):
        drawn = generator.random(rows)
        score += (drawn - 0.5) / weight**0.5
        values = _spread(column, drawn)
        values.iloc[generator.permutation(rows)[: int(rows * column.nulls / 2)]] = None
        data[column.name] = values
    ranks = pd.Series(score).rank(pct=True, method="first").to_numpy() - 0.5 / max(rows, 1)
    data[contract.target] = _spread(contract.target_column, ranks)
    return pd.DataFrame(data)[[column.name for column in contract.columns]]


def _spread(column: Column, drawn: Any) -> pd.Series:
    """Numbers in [0, 1) spread over what the column may hold."""
    import numpy as np
    import pandas as pd

    if column.categories:
        codes = (drawn * len(column.categories)).astype(int)
        return pd.Series(np.array(column.categories, dtype=object)[codes], dtype=object)
    if column.type == "boolean":
        return pd.Series((drawn >= 0.5).astype("float64"))
    if column.type == "text":
        words = np.array(["short", "plain", "long", "careful", "quick", "late"], dtype=object)
        return pd.Series(
            [" ".join(words[[int(d * 6), int(d * 36) % 6, int(d * 216) % 6]]) for d in drawn], dtype=object
        )
    if column.type == "date":
        first = pd.Timestamp(column.minimum or date(2020, 1, 1))
        return pd.Series(first + pd.to_timedelta(np.floor(drawn * 730), unit="D")).astype("datetime64[us]")
    low, high = column.minimum or 0.0, column.maximum if column.maximum is not None else (column.minimum or 0.0) + 1.0
    values = low + (high - low) * drawn
    return pd.Series(
        np.clip(np.round(values), np.ceil(low), np.floor(high)) if column.integer else values, dtype="float64"
    )
