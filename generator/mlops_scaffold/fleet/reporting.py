"""The state of a fleet for people: a table, Markdown, or one page of HTML, with nothing to fetch."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from html import escape

from mlops_scaffold.fleet.line import BEHIND, CURRENT, FAILED, MERGED, NEEDS_A_PERSON, PROPOSED, Line
from mlops_scaffold.fleet.showing import details, summary, text_of
from mlops_scaffold.ground.errors import MlopsError, shown

HEAD = ("ring", "project", "version", "state", "request", "")
STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #1f2328 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .35rem .7rem; vertical-align: top }
tr { border-bottom: 1px solid #d1d9e0 } .good { color: #1a7f37 } .wait { color: #9a6700 } .bad { color: #b3261e }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 } .good { color: #56d364 }
.wait { color: #e3b341 } .bad { color: #ff8080 } a { color: #79c0ff } tr { border-color: #30363d } }"""


def cells(line: Line) -> list[str]:
    """The columns of a line, the request aside."""
    name = line.repo if line.path == "." else f"{line.repo}: {line.path}"
    return [line.ring, name, line.versions, line.state, "; ".join(details(line))]


def link_of(line: Line) -> tuple[str, str]:
    """The text and the address of a request; the address only where a browser may follow it."""
    if not line.request:
        return "", ""
    url = str(line.request["url"])
    return f"#{line.request['number']}", url if url.startswith("https://") else ""


def counted(lines: Iterable[Line]) -> str:
    """How many projects are in each state."""
    return summary(Counter(line.state for line in lines))


def markdown(lines: list[Line]) -> str:
    """A table of Markdown."""
    rows = []
    for line in lines:
        *first, last = (re.sub(r"([|<\[])", r"\\\1", cell).replace("\n", " ") for cell in cells(line))
        text, url = link_of(line)
        rows.append([*first, f"[{text}]({url})" if url else text, last])
    table = [list(HEAD), ["---"] * len(HEAD), *rows]
    return "\n".join([f"{counted(lines)}.", "", *("| " + " | ".join(row) + " |" for row in table), ""])


def html(lines: list[Line]) -> str:
    """One page."""
    rows = []
    for line in lines:
        *first, state, last = map(escape, cells(line))
        text, url = link_of(line)
        link = f'<a href="{escape(url)}">{escape(text)}</a>' if url else escape(text)
        columns = [*first, f'<span class="{kind_of(line)}">{state}</span>', link, last]
        rows.append("<tr>" + "".join(f"<td>{column}</td>" for column in columns) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fleet</title>',
            '<meta name="viewport" content="width=device-width">',
            f"<style>{STYLE}</style></head><body><h1>Fleet</h1><p>{escape(counted(lines))}.</p>",
            f"<table><thead><tr>{head}</tr></thead><tbody>",
            *rows,
            "</tbody></table></body></html>",
            "",
        ]
    )


def kind_of(line: Line) -> str:
    """How a state is coloured."""
    if line.state in (*FAILED, *NEEDS_A_PERSON):
        return "bad"
    return "good" if line.state in (CURRENT, MERGED) else "wait" if line.state in (BEHIND, PROPOSED) else ""


def table(lines: list[Line]) -> str:
    """The lines of `mlops fleet status`."""
    return "".join(f"{text}\n" for text in [*map(text_of, lines), counted(lines)])


def json_lines(lines: list[Line]) -> str:
    """A line of JSON for each project."""
    return "".join(f"{json.dumps(line.to_json())}\n" for line in lines)


FORMATS: dict[str, Callable[[list[Line]], str]] = {"md": markdown, "html": html, "json": json_lines, "table": table}


def text_in(name: str, lines: Iterable[Line]) -> str:
    """A report in a format. Raises MlopsError for one that there is not."""
    if name not in FORMATS:
        raise MlopsError(f"There is no format {name!r}.", f"There are: {', '.join(FORMATS)}.")
    text = FORMATS[name](list(lines))
    return text if name == "json" else shown(text)
