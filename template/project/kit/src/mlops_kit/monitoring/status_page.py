"""The page of the models' lives: report/status.html, with every version and every move, the newest first.

    uv run poe status-page

It says the same as `poe status`, for people who like to look.
"""

from __future__ import annotations

from mlops_kit.ground import command, params, project
from mlops_kit.models import in_a_sentence
from mlops_kit.monitoring import pages
from mlops_kit.registry import Move, Registered, moves, versions

SHORT = 8  # characters of a hash that are shown; the whole one shows when one points at it


def page(every: list[Registered], history: list[Move], primary: str) -> str:
    """The whole page."""
    champion = next((one for one in every if "champion" in one.life), None)
    said = f"Version {champion.number} is served." if champion else "There is no champion: nothing is served."
    body = pages.verdict([said], champion is None)
    if every:
        body += "<h2>Versions</h2>\n" + versions_table(every, primary)
        body += "<h2>Every move</h2>\n" + moves_table(history)
    count = f"Versions: {len(every)}. Moves: {len(history)}."
    return pages.page(f"{project().name}: the models' lives", count if every else "No version is registered.", body)


def versions_table(every: list[Registered], primary: str) -> str:
    """One row a version, the metric that decides first."""
    names = sorted({name for one in every for name in one.metrics}, key=lambda name: (name != primary, name))
    head: list[str | pages.Cell] = ["version", "is", *map(pages.number, names), "run", "data", "commit", "registered"]
    rows = [
        [
            pages.text(one.number),
            badge(one),
            *(pages.number(f"{one.metrics[name]:.4f}" if name in one.metrics else "") for name in names),
            shortened(one.run),
            shortened(one.data),
            shortened(one.commit),
            pages.text(f"{one.registered:%Y-%m-%d %H:%M}", "when"),
        ]
        for one in every
    ]
    return pages.table(head, rows)


def moves_table(history: list[Move]) -> str:
    """One row a move, the newest first."""
    rows = [
        [
            pages.text(move.when[:16].replace("T", " "), "when"),
            pages.text(move.version),
            pages.text(move.what),
            pages.text(move.who),
            pages.text(move.why, "why"),
            shortened(move.commit),
        ]
        for move in reversed(history)
    ]
    return pages.table(["when (UTC)", "version", "move", "who", "why", "commit"], rows)


def badge(one: Registered) -> pages.Cell:
    """Where a version stands, with its colour; why it is retired shows when one points at it."""
    kind = next((name for name in ("champion", "challenger", "retired") if name in one.life), "candidate")
    return pages.Cell(
        f'<span class="is {kind}" title="{pages.text(one.retired).html}">{pages.text(one.life).html}</span>'
    )


def shortened(digest: str) -> pages.Cell:
    """A hash, cut."""
    whole = pages.text(digest).html
    return pages.Cell(f'<code title="{whole}">{pages.text(digest[:SHORT]).html}</code>' if digest else "")


@command
def main() -> None:
    """Write the page; a sentence where MLflow cannot be asked."""
    with in_a_sentence():
        pages.write("status.html", page(versions(), moves(), params()["evaluate"]["primary"]))
    print("report/status.html is written")


if __name__ == "__main__":
    main()
