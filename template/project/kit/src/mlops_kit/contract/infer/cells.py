"""The cells of one column: which of them are missing, and what is said of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from mlops_kit.contract.contract import Source
from mlops_kit.contract.infer.findings import Findings
from mlops_kit.contract.missing import MISSING

SHOWN = 3  # examples in a sentence


@dataclass(frozen=True)
class Cells:
    """A column's cells that are not missing, without blanks around them, and how often each word stood for missing."""

    name: str
    present: pd.Series
    rows: int
    words: Counter[str]

    @property
    def nulls(self) -> float:
        """The share of cells that are missing."""
        return 1 - len(self.present) / self.rows

    def say_missing(self, found: Findings) -> None:
        """Say which words were read as missing."""
        listed = {word: count for word, count in self.words.items() if word}
        if listed:
            found.info(f"{self.name!r}: {sum(listed.values())} cells hold {quoted(listed)}, read as missing")


def look_at(values: pd.Series, name: str, source: Source) -> Cells:
    """A column's cells, by the words that the file has for missing."""
    words = MISSING if source.missing is None else ("", *source.missing)
    if not (pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.StringDtype)):
        return Cells(name, values.dropna(), len(values), Counter())
    texts = values.str.strip() if isinstance(values.dtype, pd.StringDtype) else values.map(_stripped)
    missing = texts.isin(words)
    counts = {str(word): count for word, count in texts[missing].value_counts().items()} if missing.any() else {}
    there = ~missing & texts.notna()
    return Cells(name, texts if there.all() else texts[there], len(values), Counter(counts))


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def quoted(words: Iterable[object]) -> str:
    """Words in a sentence."""
    return ", ".join(repr(str(word)) for word in words)


def examples(cells: pd.Series) -> str:
    """The first different cells, in a sentence."""
    return quoted(cells.drop_duplicates().head(SHOWN))
