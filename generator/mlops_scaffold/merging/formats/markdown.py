"""Markdown: the sections below their headings."""

import re
from collections.abc import Iterator

from mlops_scaffold.merging.formats.facts import Facts, numbered
from mlops_scaffold.merging.pieces import Span, Spans
from mlops_scaffold.merging.sequences import lines_of

ORDERED = True
HEADING = re.compile(r"#{1,6} ")
FENCE = re.compile(r" {0,3}(```+|~~~+)")


def spans(text: str) -> Spans:
    """What is above the first heading, and the sections."""
    starts = [start for start, _ in _headings(text)]
    if not text[: starts[0] if starts else len(text)].isspace():
        starts = [len(text) - len(text.lstrip()), *starts]
    ends = [len(text[:start].rstrip()) for start in [*dict.fromkeys(starts), len(text)]][1:]
    names = {start: re.sub(r"\s+", " ", line.strip()) for start, line in _headings(text)}
    return tuple(
        Span(names.get(start, "the beginning"), start, end, free=True)
        for start, end in zip(dict.fromkeys(starts), ends, strict=True)
        if end > start
    )


def facts(text: str) -> Facts:
    """The headings. What is below them is text."""
    return numbered(((line.strip(),), True) for _, line in _headings(text))


def rest(text: str) -> str:
    """What the facts leave out: everything."""
    return text


def _headings(text: str) -> Iterator[tuple[int, str]]:
    """Each heading's place and line; what is in a fence is none."""
    at, fence = 0, ""
    for line in lines_of(text):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and HEADING.match(line):
            yield at, line
        at += len(line)
