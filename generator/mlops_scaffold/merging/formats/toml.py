"""TOML: tables, their keys, and the entries of arrays."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlops_scaffold.merging.formats import entries
from mlops_scaffold.merging.formats.facts import Facts, comments, facts_of
from mlops_scaffold.merging.pieces import Span, Spans

ORDERED = False
rest = comments
TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'"
    r"|#[^\n]*|[ \t\r]+|[^\s\"'#\[\]{}=,]+|.",
    re.DOTALL,
)


def facts(text: str) -> Facts:
    """What the file says. Raises ValueError where it is no TOML."""
    return facts_of(tomllib.loads(text))


@dataclass
class Statement:
    """A table's head, or a key with its value; of an array, where it opens and closes and where its items are."""

    start: int
    end: int = 0
    equals: int = 0
    inner: tuple[int, int] = (0, 0)
    items: list[tuple[int, int]] = field(default_factory=list)


def spans(text: str) -> Spans:
    """The tables, after the keys that are in none."""
    top: list[Span] = []
    table: list[Span] = []
    head: Statement | None = None
    for statement in statements(text):
        if statement.equals:
            (table if head else top).append(_entry(text, statement))
            continue
        if head:
            top.append(_table(text, head, table))
        head, table = statement, []
    return tuple([*top, _table(text, head, table)] if head else top)


def statements(text: str) -> Iterator[Statement]:
    """Each statement. It ends with its line, where no bracket is open."""
    depth, current = 0, None
    for token in TOKEN.finditer(text):
        word = token[0]
        if word == "\n" and depth == 0:
            if current:
                current.end = token.start()
                yield current
            current = None
            continue
        if word.isspace() or (word.startswith("#")):
            continue
        current = current or Statement(token.start())
        if word in "]}":
            depth -= 1
            if depth == 0 and word == "]":
                current.inner = (current.inner[0], token.start())
        if word == "=" and depth == 0 and not current.equals:
            current.equals = token.start()
        elif depth == 1 and word != "," and current.inner[0]:
            _lengthen(current, token)
        elif depth == 1 and current.inner[0]:
            current.items.append((0, 0))  # the next one begins
        if word in "[{":
            depth += 1
            if depth == 1 and word == "[" and not text[current.equals + 1 : token.start()].strip():
                current.inner = (token.end(), 0)
    if current:
        current.end = len(text)
        yield current


def _lengthen(statement: Statement, token: re.Match[str]) -> None:
    """Let the array's last item end with a token."""
    if not statement.items:
        statement.items.append((0, 0))
    start, _ = statement.items[-1]
    statement.items[-1] = (start or token.start(), token.end())


def _entry(text: str, statement: Statement) -> Span:
    name = text[statement.start : statement.equals]
    key = re.sub(r"[\s\"']", "", name)
    if not statement.inner[1]:
        return Span(key, statement.start, statement.end)
    found = [(start, end, tomllib.loads(f"x = {text[start:end]}")["x"]) for start, end in statement.items if end]
    kids = tuple(Span(entries.key(value), start, end) for start, end, value in found)
    ordered = not entries.is_set(key, [value for _, _, value in found])
    return Span(key, statement.start, statement.end, kids, statement.inner, ",", ordered)


def _table(text: str, head: Statement, keys: list[Span]) -> Span:
    name = re.sub(r"[\s\"']|#.*", "", text[head.start : head.end])
    end = keys[-1].end if keys else head.end
    if name.startswith("[["):
        name += entries.key(tomllib.loads("[x]\n" + text[head.end : end])["x"])
    return Span(name, head.start, end, tuple(keys), (head.end, end), ordered=False)
