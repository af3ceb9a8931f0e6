"""The page of a look at drift: what was found in words, then every column as a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mlops_kit.ground import project
from mlops_kit.monitoring import pages
from mlops_kit.monitoring.drift import Comparison

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.contract import Contract

WIDTH, HEIGHT, BARS = 260, 72, 24
KEY = """\
<p><span class="key" style="background: var(--then)"></span> training
<span class="key" style="background: var(--now); margin-left: 1em"></span> now</p>
"""


def page(found: list[Comparison], contract: Contract, train: pd.DataFrame, current: pd.DataFrame, source: str) -> str:
    """The whole page."""
    drifted = [one for one in found if one.found]
    said = [one.sentence for one in drifted] or ["Nothing has moved by more than chance and by enough to matter."]
    rows = [
        [
            pages.text(one.column),
            pages.text(one.kind),
            pages.Cell(picture(one, contract, train, current)),
            pages.number(f"{one.effect:.3f}"),
            pages.number(f"{one.adjusted:.3g}"),
        ]
        for one in found
    ]
    head: list[str | pages.Cell] = ["column", "what", "picture", pages.number("effect"), pages.number("p, corrected")]
    return pages.page(
        f"{project().name}: {'drift' if drifted else 'no drift'}",
        f"{source}.",
        pages.verdict(said, bool(drifted)) + KEY + pages.table(head, rows, [one.found for one in found]),
    )


def picture(one: Comparison, contract: Contract, train: pd.DataFrame, current: pd.DataFrame) -> str:
    """Both distributions, one over the other, as an SVG; nothing for what is no column."""
    if one.kind not in ("distribution", "shares") or one.column not in current.columns:
        return ""
    before, now = train[one.column].dropna(), current[one.column].dropna()
    kinds = {column.name: column.type for column in contract.features}
    if one.kind == "shares":
        names = list(before.astype("str").value_counts().index[:BARS])
        names += [name for name in now.astype("str").unique() if name not in names][: BARS // 4]
        heights = [[float((values.astype("str") == name).mean()) for name in names] for values in (before, now)]
        return bars(heights, names)
    if kinds.get(one.column) == "text":
        before, now = (values.astype("str").str.len() for values in (before, now))
    both = np.concatenate([before.to_numpy("float64"), now.to_numpy("float64")])
    edges = np.histogram_bin_edges(both, bins=BARS)
    heights = [
        (np.histogram(values.to_numpy("float64"), bins=edges)[0] / len(values)).tolist() for values in (before, now)
    ]
    return bars(heights, [f"from {edge:.4g}" for edge in edges[:-1]])


def bars(heights: list[list[float]], names: list[str]) -> str:
    """Bars of two distributions; a name shows when one points at its bar."""
    most, width = max(max(values) for values in heights) or 1.0, WIDTH / len(names)
    drawn = [
        f'<rect class="{kind}" x="{number * width:.1f}" y="{HEIGHT * (1 - value / most):.1f}" '
        f'width="{width * 0.9:.1f}" height="{HEIGHT * value / most:.1f}">'
        f"<title>{escape(names[number])}: {value:.1%}</title></rect>"
        for kind, values in zip(("then", "now"), heights, strict=True)
        for number, value in enumerate(values)
    ]
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(drawn)}</svg>'
