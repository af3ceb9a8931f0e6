"""The page of a shadow comparison: what it says in words, then the answers side by side, the slices, the times."""

from __future__ import annotations

from html import escape

import numpy as np

from mlops_kit.ground import project
from mlops_kit.monitoring import pages
from mlops_kit.monitoring.asked import Asked
from mlops_kit.monitoring.shadow import Latency, Shadow

MOST_SLICES, MOST_REQUESTS, BARS = 20, 10, 40
WIDTH, HEIGHT = 640, 110


def page(found: Shadow, asked: list[Asked], source: str, challenger: str) -> str:
    """The whole page."""
    body = pages.verdict(found.sentences, False)
    body += "<h2>Answers</h2>\n" + (histogram(found.differences) if found.differences.size else confusion(found))
    if found.slices:
        body += "<h2>Where they differ most</h2>\n" + slices_table(found)
    body += "<h2>Time for one row, in ms</h2>\n" + latency_table(found)
    if found.differing:
        body += "<h2>Requests to look at</h2>\n" + requests_table(found, asked)
    return pages.page(f"{project().name}: {challenger} in the shadow of the champion", source, body)


def confusion(found: Shadow) -> str:
    """How often which answer became which; what they agree on is faint."""
    names = sorted({name for pair in found.answers for name in pair})
    rows = [
        [
            pages.text(old),
            *(
                pages.Cell(str(found.answers.get((old, new), 0)), "number faint" if old == new else "number")
                for new in names
            ),
        ]
        for old in names
    ]
    return pages.table(["champion, then challenger", *map(pages.number, names)], rows)


def histogram(differences: np.ndarray) -> str:
    """The differences, challenger less champion, as an SVG."""
    counts, edges = np.histogram(differences, bins=BARS)
    width, most = WIDTH / BARS, counts.max()
    drawn = "".join(
        f'<rect class="now" x="{place * width:.1f}" y="{HEIGHT * (1 - count / most):.1f}" width="{width * 0.9:.1f}" '
        f'height="{HEIGHT * count / most:.1f}"><title>from {edges[place]:.4g}: {count} rows</title></rect>'
        for place, count in enumerate(counts)
    )
    scale = f"challenger less champion: from {edges[0]:.4g} to {edges[-1]:.4g}"
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{drawn}</svg>\n<p class="faint">{escape(scale)}</p>\n'


def slices_table(found: Shadow) -> str:
    """The slices on which they agree least."""
    rows = [
        [pages.text(part.name), pages.number(str(part.rows)), pages.number(f"{part.agreement:.1%}")]
        for part in found.slices[:MOST_SLICES]
    ]
    return pages.table(["slice", pages.number("rows"), pages.number("they agree on")], rows)


def latency_table(found: Shadow) -> str:
    """Both times."""

    def row(name: str, taken: Latency) -> list[pages.Cell]:
        return [pages.text(name), pages.number(f"{taken.median:.2f}"), pages.number(f"{taken.p95:.2f}")]

    rows = [row("champion", found.champion), row("challenger", found.challenger)]
    return pages.table(["model", pages.number("median"), pages.number("95 of 100 below")], rows)


def requests_table(found: Shadow, asked: list[Asked]) -> str:
    """Some requests on which they differ, by their ids in the service's log."""
    rows = []
    for place in found.differing[:MOST_REQUESTS]:
        one = asked[place]
        rows.append([pages.text(one.time[:19].replace("T", " ")), pages.text(one.request), pages.text(one.prediction)])
        if found.differences.size:
            rows[-1].append(pages.number(f"{found.differences[place]:+.4g}"))
    head = ["when (UTC)", "request", "champion's answer", *(["difference"] if found.differences.size else [])]
    return pages.table(head, rows)
