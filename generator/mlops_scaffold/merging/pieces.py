"""A file as a tree of pieces of its source, each with a key.

A format says where its entries begin and end, by spans. `cut` divides the source there. No character is lost or made
up: put together again, the pieces are the file.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

Spans = tuple["Span", ...]
COMMENT = re.compile(r"[ \t]*(?:#|//)[^\n]*")


class Unfit(Exception):
    """The text is not laid out in a way that can be taken apart."""


class Span(NamedTuple):
    """An entry's place in a text. One with kids is a container: they stand in text[inner[0]:inner[1]]."""

    key: str
    start: int
    end: int
    kids: Spans | None = None
    inner: tuple[int, int] = (0, 0)
    separator: str = ""
    ordered: bool = True  # the order of the kids says something
    free: bool = False  # where this one stands among others that are free says nothing


class Piece(NamedTuple):
    """An entry's text. `lead` are comments and blank lines above, `after` is a comment behind the separator.

    In front of each kid of a container is a gap: `first`, or `between` for all others. So a kid can be put elsewhere.
    """

    key: str
    head: str  # all of a leaf
    lead: str = ""
    after: str = ""
    kids: tuple["Piece", ...] | None = None
    first: str = ""
    between: str = ""
    tail: str = ""
    separator: str = ""
    trailing: bool = False  # a separator follows the last kid too
    ordered: bool = True
    free: bool = False

    def body(self) -> str:
        """The text but for what is around it."""
        if self.kids is None:
            return self.head
        parts = [self.head]
        for number, kid in enumerate(self.kids):
            if number == 0 and kid.lead and "\n" not in self.first + self.head[-1:]:
                raise Unfit("a comment where none can be")
            ends = number == len(self.kids) - 1 and not self.trailing
            separator = "" if ends else self.separator
            parts += [kid.lead, self.between if number else self.first, kid.body(), separator, kid.after]
        return "".join((*parts, self.tail))

    @property
    def meaning(self) -> tuple[str, str, str]:
        """What two pieces have in common that differ only by their layout."""
        return self.lead.strip(), self.body(), self.after.strip()


def cut(text: str, spans: Spans, ordered: bool) -> Piece:
    """Divide a whole file, whose lines are its entries; a line break stands in front of each. Raises Unfit."""
    title = re.match(r"(\n#[^\n]*)+(?=\n[ \t]*\n)", text)  # a licence, say: it does not go with the first entry
    is_above = title and spans and title.end() < spans[0].start
    inner = (title.end() if title and is_above else 0, len(text))
    return _container(text, Span("", 0, len(text), spans, inner, ordered=ordered), "", "")


def source(whole: Piece) -> str:
    """The file of a divided one."""
    return whole.body().removeprefix("\n")


def _piece(text: str, span: Span, lead: str, after: str) -> Piece:
    """A span's piece. A container that cannot be divided is a leaf."""
    if span.kids is not None:
        try:
            return _container(text, span, lead, after)
        except Unfit:
            pass
    return Piece(span.key, text[span.start : span.end], lead, after, free=span.free)


def _container(text: str, span: Span, lead: str, after: str) -> Piece:
    spans = span.kids or ()
    starts = [span.inner[0], *(kid.end for kid in spans)]
    around = [
        _apart(text[start : kid.start], span.separator if number else "")
        for number, (start, kid) in enumerate(zip(starts, spans, strict=False))
    ]
    gaps = [gap for _, _, gap in around]
    if len(set(gaps[1:])) > 1:
        raise Unfit("entries that are not below one another")
    at = starts[-1]
    trailing = bool(spans and span.separator) and text.startswith(span.separator, at)
    at += len(span.separator) if trailing else 0
    comment = _comment(text, at) if spans and span.separator else ""
    behind = [*(after for after, _, _ in around[1:]), comment]
    kids = (_piece(text, kid, above, right) for kid, (_, above, _), right in zip(spans, around, behind, strict=False))
    return Piece(
        span.key,
        text[span.start : span.inner[0]],
        lead,
        after,
        kids=_numbered(kids),
        first=gaps[0] if gaps else "",
        between=gaps[1] if len(gaps) > 1 else _usual_gap(text, span, gaps),
        tail=text[at + len(comment) : span.end],
        separator=span.separator,
        trailing=trailing,
        ordered=span.ordered,
        free=span.free,
    )


def _apart(text: str, separator: str) -> tuple[str, str, str]:
    """What stands between two entries: a comment behind the first, lines above the second, and the gap."""
    if not text.startswith(separator):
        raise Unfit("no separator where one should be")
    rest = text[len(separator) :]
    after = _comment(rest, 0) if separator else ""
    lead, line_break, gap = rest[len(after) :].rpartition("\n")
    if gap.strip(" \t"):
        raise Unfit("something else on the line")
    return after, lead, line_break + gap


def _comment(text: str, at: int) -> str:
    found = COMMENT.match(text, at)
    return found[0] if found else ""


def _usual_gap(text: str, span: Span, gaps: list[str]) -> str:
    """What would stand in front of a second entry of one that has one."""
    if not gaps or "\n" in gaps[0]:
        return "".join(gaps)
    if span.separator:
        return " "
    start = (span.kids or ())[0].start
    return "\n" + " " * (start - text.rfind("\n", 0, start) - 1)


def _numbered(kids: Iterable[Piece]) -> tuple[Piece, ...]:
    """Kids with the same key told apart by a number."""
    seen: dict[str, int] = {}  # a Counter is slow where most keys are new
    result = []
    for kid in kids:
        seen[kid.key] = number = seen.get(kid.key, 0) + 1
        result.append(kid if number == 1 else kid._replace(key=f"{kid.key}{REPEATED}{number}"))
    return tuple(result)


REPEATED = "\0"  # in the key of an entry that has a namesake
