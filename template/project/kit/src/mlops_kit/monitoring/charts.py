"""Charts as SVG, in the colours of the pages: a curve, points, bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, EDGE = 340, 260, 44  # of a chart, in pixels, and the room for its labels
BAR, LONGEST_NAME = 20, 28
MOST_POINTS = 1000

Point = tuple[float, float]


@dataclass(frozen=True)
class Axes:
    """The ranges of a chart, and what its axes are called: first across, then up."""

    names: tuple[str, str]
    across: Point = (0.0, 1.0)
    up: Point = (0.0, 1.0)

    def place(self, point: Point) -> Point:
        """Where a point is drawn."""
        shares = (
            (value - low) / ((high - low) or 1.0)
            for value, (low, high) in zip(point, (self.across, self.up), strict=True)
        )
        right, top = shares
        return EDGE + right * (WIDTH - EDGE - 10), HEIGHT - EDGE - top * (HEIGHT - EDGE - 10)

    def line(self, start: Point, end: Point) -> str:
        """A dashed line, which the rest is compared with."""
        (x1, y1), (x2, y2) = self.place(start), self.place(end)
        return f'<line class="against" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'

    def dots(self, points: Sequence[Point]) -> str:
        """A dot for each point, which names its values."""
        drawn = []
        for point in points:
            x, y = self.place(point)
            said = f"{self.names[0]} {point[0]:.4g}, {self.names[1]} {point[1]:.4g}"
            drawn.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(said)}</title></circle>')
        return "".join(drawn)

    def chart(self, inside: str) -> str:
        """The chart with its frame and labels."""
        left, bottom, middle = EDGE, HEIGHT - EDGE, (WIDTH + EDGE) / 2
        labels = [
            (left, bottom + 16, "start", f"{self.across[0]:.4g}"),
            (WIDTH - 10, bottom + 16, "end", f"{self.across[1]:.4g}"),
            (middle, bottom + 32, "middle", self.names[0]),
            (left - 4, bottom, "end", f"{self.up[0]:.4g}"),
            (left - 4, 18, "end", f"{self.up[1]:.4g}"),
        ]
        texts = "".join(
            f'<text x="{x}" y="{y}" text-anchor="{end}">{escape(said)}</text>' for x, y, end, said in labels
        )
        turned = f'transform="rotate(-90 12 {bottom / 2})"'
        texts += f'<text x="12" y="{bottom / 2}" text-anchor="middle" {turned}>{escape(self.names[1])}</text>'
        frame = f'<path class="frame" d="M{left},10V{bottom}H{WIDTH - 10}"/>'
        return f'<svg class="chart" width="{WIDTH}" height="{HEIGHT}" role="img">{frame}{inside}{texts}</svg>\n'


def curve(points: Sequence[Point], across: str, up: str, diagonal: bool = False) -> str:
    """A line through points of the unit square, beside the diagonal where that is what it is compared with."""
    axes = Axes((across, up))
    drawn = " ".join("{:.1f},{:.1f}".format(*axes.place(point)) for point in points)
    against = axes.line((0, 0), (1, 1)) if diagonal else ""
    dots = axes.dots(points) if len(points) <= 20 else ""
    return axes.chart(f'{against}<polyline class="curve" points="{drawn}"/>{dots}')


def scatter(points: Sequence[Point], across: str, up: str, zero: bool = False) -> str:
    """Points, at most MOST_POINTS of them, beside the diagonal, or beside the line of zero."""
    points = points[:: max(1, -(-len(points) // MOST_POINTS))]
    ranges = [(min(values), max(values)) for values in zip(*points, strict=True)]
    if zero:
        low, high = min(0.0, ranges[1][0]), max(0.0, ranges[1][1])
        axes = Axes((across, up), ranges[0], (low, high))
        against = axes.line((ranges[0][0], 0), (ranges[0][1], 0))
    else:
        low, high = min(one[0] for one in ranges), max(one[1] for one in ranges)
        axes = Axes((across, up), (low, high), (low, high))
        against = axes.line((low, low), (high, high))
    return axes.chart(against + axes.dots(points))


def bars(items: Sequence[tuple[str, float]]) -> str:
    """A bar for each name, as long as its value; one below zero has no length."""
    most = max([value for _, value in items] + [1e-12])
    drawn = []
    for number, (name, value) in enumerate(items):
        top, long = number * BAR, max(value, 0.0) / most * WIDTH
        short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        drawn.append(
            f'<text x="{WIDTH / 2 - 8}" y="{top + 14}" text-anchor="end">{escape(short)}<title>{escape(name)}</title>'
            f'</text><rect class="now" x="{WIDTH / 2}" y="{top + 3}" width="{long:.1f}" height="{BAR - 6}"/>'
            f'<text x="{WIDTH / 2 + long + 6:.1f}" y="{top + 14}">{value:.4f}</text>'
        )
    size = f'width="{2 * WIDTH}" height="{len(items) * BAR + 4}"'
    return f'<svg class="chart" {size} role="img">{"".join(drawn)}</svg>\n'
