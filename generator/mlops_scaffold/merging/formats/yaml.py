"""YAML: the keys of mappings and the entries of lists. PyYAML tells where they are; comments stay in the source."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from mlops_scaffold.merging.formats import entries
from mlops_scaffold.merging.formats.facts import Facts, comments, facts_of
from mlops_scaffold.merging.pieces import Span, Spans, Unfit

ORDERED = False
rest = comments
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEXT = "tag:yaml.org,2002:str"
MOST = 20_000  # values in a file


def facts(text: str) -> Facts:
    """What the file says. Raises ValueError where it is no YAML, or a key is there twice."""
    documents = [_plain(node) for node in _compose(text)]
    return facts_of(documents[0] if len(documents) == 1 else documents)


@lru_cache(maxsize=8)  # for the facts and for the spans
def _compose(text: str) -> list[yaml.Node]:
    try:
        return list(yaml.compose_all(text, Loader=LOADER))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _plain(node: yaml.Node, left: Iterator[int] | None = None) -> Any:  # noqa: ANN401  # what YAML can say
    """Mappings, lists and texts. What is no text keeps its tag: 1.10 is not "1.10".

    `left` counts down: a few lines of aliases may stand for any number of values.
    """
    left = left or iter(range(MOST))
    if next(left, None) is None:
        raise ValueError("too many values")
    if isinstance(node, yaml.MappingNode):
        keys = [str(_plain(key, left)) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise ValueError("a key is there twice")
        return dict(zip(keys, (_plain(value, left) for _, value in node.value), strict=True))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, left) for item in node.value]
    return node.value if node.tag == TEXT else f"{node.tag} {node.value}"


def _is_block(node: yaml.Node) -> bool:
    """Whether a node is a mapping or list of lines, and not one in brackets."""
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def spans(text: str) -> Spans:
    """The keys of the document, or its entries."""
    nodes = _compose(text)
    if len(nodes) != 1 or not _is_block(nodes[0]):
        raise Unfit("no document of blocks")
    return _Places(text).kids(nodes[0])


class _Places:
    """Finds nodes in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def kids(self, node: yaml.Node) -> Spans:
        """The entries of a mapping or list."""
        if isinstance(node, yaml.MappingNode):
            return tuple(self.entry(key, value) for key, value in node.value)
        return tuple(self.item(item) for item in node.value)

    def entry(self, key: yaml.Node, value: yaml.Node) -> Span:
        """A key with its value."""
        start, name = self.at(key.start_mark), str(_plain(key))
        if value.start_mark.index < key.end_mark.index:  # an alias: the value is elsewhere
            return Span(name, start, self.line_end(self.at(key.end_mark)))
        after = self.at(key.end_mark)
        end = self.end(value) or after
        if isinstance(value, yaml.ScalarNode):
            return Span(name, start, self.line_end(end))
        if not _is_block(value):
            return self.flow(name, start, value, self.line_end(end))
        return self.container(name, start, value, (self.line_end(after, strict=False), self.line_end(end)), name)

    def item(self, item: yaml.Node) -> Span:
        """An entry of a list, from its dash on."""
        content = self.at(item.start_mark)
        start = self.text.rfind("-", 0, content)
        if start < 0 or self.text[start + 1 : content].strip(" ") or self.text[start + 1] != " ":
            raise Unfit("an alias, or a dash alone")
        end = self.line_end(self.end(item) or content)
        key = entries.key(_plain(item))
        if isinstance(item, yaml.MappingNode) and _is_block(item):
            return self.container(key, start, item, (content, end), "", free=key.startswith("repo "))
        return Span(key, start, end)

    def flow(self, name: str, start: int, node: yaml.Node, end: int) -> Span:
        """A key with [entries] behind it."""
        inner = (self.at(node.start_mark) + 1, self.at(node.end_mark) - 1)
        if not isinstance(node, yaml.SequenceNode) or self.text[inner[0] - 1] != "[":
            return Span(name, start, end)
        values = [_plain(item) for item in node.value]
        kids = tuple(
            Span(entries.key(value), self.at(item.start_mark), self.at(item.end_mark))
            for item, value in zip(node.value, values, strict=True)
        )
        return Span(name, start, end, kids, inner, ",", ordered=not entries.is_set(name, values))

    def container(
        self, key: str, start: int, node: yaml.Node, inner: tuple[int, int], name: str, free: bool = False
    ) -> Span:
        """An entry with a block of others; one that is laid out strangely is a leaf."""
        ordered = isinstance(node, yaml.SequenceNode) and not entries.is_set(name, _plain(node))
        try:
            return Span(key, start, inner[1], self.kids(node), inner, ordered=ordered, free=free)
        except Unfit:
            return Span(key, start, inner[1], free=free)

    def at(self, mark: yaml.Mark) -> int:
        """A mark's place."""
        return self.lines[mark.line] + mark.column if mark.line < len(self.lines) else len(self.text)

    def end(self, node: yaml.Node) -> int:
        """Where a node's own text ends; 0 for one without text."""
        if isinstance(node, yaml.ScalarNode):
            if not node.value and not node.style:
                return 0
            end = self.at(node.end_mark)
            while self.text[end - 1].isspace():
                end -= 1
            return end
        if not _is_block(node) or not node.value:
            return self.at(node.end_mark)
        last = node.value[-1]
        if isinstance(last, tuple):
            return self.end(last[1]) or self.line_end(self.at(last[0].end_mark), strict=False)
        return self.end(last) or self.at(last.start_mark)

    def line_end(self, at: int, strict: bool = True) -> int:
        """The end of a line; with `strict` only a comment may be on the rest of it."""
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        rest = self.text[at:end].strip()
        if strict and rest not in ("", ":") and not rest.startswith("#"):
            raise Unfit("more on the line")
        return end
