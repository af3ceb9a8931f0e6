"""What all pages look like: one file each, which needs nothing from elsewhere, by day and by night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from mlops_kit.ground import project

STYLE = """\
:root { color-scheme: light dark; --then: #8b96a3; --now: #2f6fde; --bad: #c62828; --good: #2e7d32; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --now: #6ea1ff; --bad: #ff8a80; --good: #81c784; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.lead, .faint { opacity: .65; }
.lead { margin-top: .2rem; }
.verdict { border-left: .3rem solid var(--now); padding: .4rem 1rem; margin: 1.2rem 0; overflow-wrap: anywhere; }
.verdict.bad { border-color: var(--bad); }
.verdict ul { margin: 0; padding-left: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: middle; }
th { font-weight: 600; }
td:first-child { max-width: 18rem; overflow-wrap: anywhere; }
td.why { min-width: 14rem; max-width: 30rem; overflow-wrap: anywhere; }
.when { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
tr.bad td:first-child { color: var(--bad); font-weight: 600; }
code { font-size: .92em; white-space: nowrap; }
.is { border: 1px solid currentColor; border-radius: 1em; padding: .05em .6em; white-space: nowrap; font-size: .9em; }
.is.champion { color: var(--good); } .is.challenger { color: var(--now); } .is.retired { color: var(--bad); }
.then { fill: var(--then); } .now { fill: var(--now); fill-opacity: .65; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.chart { max-width: 100%; } .chart text { font-size: 11px; fill: currentColor; }
.curve { fill: none; stroke: var(--now); stroke-width: 2; } .dot { fill: var(--now); fill-opacity: .5; }
.against { stroke: var(--then); stroke-dasharray: 4; } .frame { fill: none; stroke: var(--then); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
"""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: HTML that is whole, and how it stands."""

    html: str
    kind: str = ""


def text(value: object, kind: str = "") -> Cell:
    """A cell with words."""
    return Cell(escape(str(value)), kind)


def number(value: str) -> Cell:
    """A cell with a number, already written out."""
    return Cell(escape(value), "number")


def table(head: Iterable[str | Cell], rows: Iterable[Iterable[Cell]], bad: Iterable[bool] = ()) -> str:
    """A table that scrolls by itself where it is wider than the page; `bad` marks rows."""
    marked = list(bad)
    titles = [_cell("th", text(one) if isinstance(one, str) else one) for one in head]
    lines = [f"<tr>{''.join(titles).replace('_', '_<wbr>')}</tr>"]  # a long name may break
    for place, row in enumerate(rows):
        kind = ' class="bad"' if place < len(marked) and marked[place] else ""
        lines.append(f"<tr{kind}>{''.join(_cell('td', one) for one in row)}</tr>")
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>\n"


def _cell(tag: str, cell: Cell) -> str:
    kind = f' class="{cell.kind}"' if cell.kind else ""
    return f"<{tag}{kind}>{cell.html}</{tag}>"


def verdict(sentences: list[str], bad: bool) -> str:
    """What is to be said first: one sentence, or a list of them."""
    if len(sentences) == 1:
        said = escape(sentences[0])
    else:
        said = f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>"
    return f'<div class="verdict{" bad" if bad else ""}">{said}</div>\n'


def page(title: str, lead: str, body: str) -> str:
    """The whole page."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>
{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)} {when}</p>
{body}</body>
</html>
"""


def write(name: str, shown: str) -> None:
    """Write a page, such as `status.html`, to the folder of the reports."""
    project().reports.mkdir(exist_ok=True)
    (project().reports / name).write_text(shown, encoding="utf-8")
