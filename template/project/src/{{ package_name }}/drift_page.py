"""The page of a look at drift: what was found in words, then every column as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .drift import Comparison
from .tracking import NAME

if TYPE_CHECKING:
    import pandas as pd

    from .contract import Contract

WIDTH, HEIGHT, BARS = 260, 72, 24
STYLE = """\
:root { color-scheme: light dark; --then: #9aa5b1; --now: #2f6fde; --bad: #c62828; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
.lead { color: #777; margin-top: .2rem; }
.verdict { border-left: .3rem solid var(--now); padding: .4rem 1rem; margin: 1.2rem 0; }
.verdict.bad { border-color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: middle; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.bad td:first-child { color: var(--bad); font-weight: 600; }
.then { fill: var(--then); } .now { fill: var(--now); fill-opacity: .65; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
"""


def page(found: list[Comparison], contract: Contract, train: pd.DataFrame, current: pd.DataFrame, source: str) -> str:
    """The whole page; it needs nothing from elsewhere."""
    drifted = [one for one in found if one.found]
    title = f"{NAME}: {'drift' if drifted else 'no drift'}"
    rows = "".join(row(one, picture(one, contract, train, current)) for one in found)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p class="lead">{escape(source)}, {len(current)} rows against {len(train)} rows of the training part. {when}</p>
{verdict(drifted)}
<p><span class="key" style="background: var(--then)"></span> training
<span class="key" style="background: var(--now); margin-left: 1em"></span> now</p>
<table>
<tr><th>column</th><th>what</th><th>picture</th><th>effect</th><th>p, corrected</th></tr>
{rows}</table>
</body>
</html>
"""


def verdict(drifted: list[Comparison]) -> str:
    """What was found, in sentences."""
    if not drifted:
        return '<div class="verdict">Nothing has moved by more than chance and by enough to matter.</div>'
    items = "".join(f"<li>{escape(one.sentence)}</li>" for one in drifted)
    return f'<div class="verdict bad"><ul>{items}</ul></div>'


def row(one: Comparison, drawn: str) -> str:
    """One comparison."""
    return (
        f'<tr class="{"bad" if one.found else ""}"><td>{escape(one.column)}</td><td>{one.kind}</td><td>{drawn}</td>'
        f'<td class="number">{one.effect:.3f}</td><td class="number">{one.adjusted:.3g}</td></tr>\n'
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
