"""JSON, with comments too: the members of objects, and the entries of arrays."""

import json
import re
from typing import Any

from mlops_scaffold.merging.formats import entries
from mlops_scaffold.merging.formats.facts import Facts, comments, facts_of
from mlops_scaffold.merging.pieces import Span, Spans, Unfit

ORDERED = False
rest = comments
BARE = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])', re.DOTALL)
DECODER = json.JSONDecoder()
SPACE = re.compile(r"\s*")


def facts(text: str) -> Facts:
    """What the file says. Raises ValueError where it is no JSON, or a member is there twice."""
    return facts_of(json.loads(_bare(text), object_pairs_hook=_members))


def _bare(text: str) -> str:
    """The text with blanks where it has comments, or a comma before a bracket: editors allow them."""
    return BARE.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def spans(text: str) -> Spans:
    """The file's one value. Raises Unfit for one that holds no others."""
    text = _bare(text)
    start = _skip(text, 0)
    span = _value(text, " ", "", start)
    if span.kids is None:
        raise Unfit("nothing to take apart")
    return (span,)


def _value(text: str, key: str, name: str, start: int) -> Span:
    """What begins after a name, or without one."""
    at = _skip(text, text.index(":", start + len(json.dumps(name)) - 1) + 1) if name else start
    value, end = DECODER.raw_decode(text, at)
    if not isinstance(value, dict | list):
        return Span(key, start, end)
    kids, place = [], at + 1
    while (place := _skip(text, place)) < end - 1:
        kid = _member(text, place) if isinstance(value, dict) else _item(text, place)
        kids.append(kid)
        place = _skip(text, kid.end)
        place += text[place] == ","
    ordered = isinstance(value, list) and not entries.is_set(name, value)
    return Span(key, start, end, tuple(kids), (at + 1, end - 1), ",", ordered)


def _member(text: str, start: int) -> Span:
    name, _ = DECODER.raw_decode(text, start)
    return _value(text, name, name, start)


def _item(text: str, start: int) -> Span:
    return _value(text, entries.key(DECODER.raw_decode(text, start)[0]), "", start)


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at
