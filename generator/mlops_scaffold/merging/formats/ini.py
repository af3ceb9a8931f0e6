"""INI, as of setup.cfg: sections, keys, and values of one entry a line."""

import configparser
import re

from mlops_scaffold.merging.formats import entries
from mlops_scaffold.merging.formats.facts import Facts, comments, facts_of
from mlops_scaffold.merging.pieces import Span, Spans, Unfit

ORDERED = False
rest = comments
ENTRY = re.compile(
    r"(?P<key>[^\s=:\[#;][^=:\n]*?)[ \t]*[=:](?P<rest>[^\n]*)(?P<more>(?:\n[ \t]+[^\n]*|\n(?=\n*[ \t]+\S))*)"
)
VALUE = re.compile(r"\n[ \t]+(?P<value>[^\s#;][^\n]*)")
SECTION = re.compile(r"\[[^\]\n]+\][^\n]*")
COMMENT = re.compile(r"[ \t]*(?:[#;][^\n]*)?\n?")


def facts(text: str) -> Facts:
    """What the file says; a value of several lines is a list. Raises ValueError."""
    parser = configparser.RawConfigParser(strict=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None
    return facts_of({name: {key: _value(value) for key, value in parser.items(name)} for name in parser.sections()})


def _value(value: str) -> str | list[str]:
    return value.split("\n")[1:] if value.startswith("\n") else value


def spans(text: str) -> Spans:
    """The sections. Raises Unfit for a line that is no entry."""
    found: list[Span] = []
    keys: list[Span] = []
    head: re.Match[str] | None = None
    at = 0
    while at < len(text):
        if section := SECTION.match(text, at):
            found += [_section(head, keys)] if head else []
            head, keys, at = section, [], section.end()
        elif entry := ENTRY.match(text, at):
            keys.append(_entry(text, entry))
            at = entry.end()
        elif (other := COMMENT.match(text, at)) and other.end() > at:
            at = other.end()
        else:
            raise Unfit("a line that is no entry")
    if not head:
        raise Unfit("no section")
    return (*found, _section(head, keys))


def _section(head: re.Match[str], keys: list[Span]) -> Span:
    end = keys[-1].end if keys else head.end()
    return Span(head[0].strip(), head.start(), end, tuple(keys), (head.end(), end), ordered=False)


def _entry(text: str, found: re.Match[str]) -> Span:
    key, end = found["key"].lower(), found.start() + len(found[0].rstrip())
    lines = list(VALUE.finditer(text, found.start(), end))
    if found["rest"].strip() or not lines:
        return Span(key, found.start(), end)
    kids = tuple(Span(entries.key(line["value"]), line.start("value"), line.end("value")) for line in lines)
    ordered = not entries.is_set(key, [line["value"] for line in lines])
    return Span(key, found.start(), end, kids, (found.end("rest"), end), ordered=ordered)
