"""What a file says, as facts: the path of each value in its data. The order of a list's entries is no part of it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mlops_scaffold.merging.formats import entries

UNREADABLE = (ValueError, SyntaxError, RecursionError)  # what a parser raises
Path = tuple[str, ...]
Facts = dict[Path, Any]


def facts_of(data: object) -> Facts:
    """The facts of mappings, lists and scalars. An entry of a list is known by its name."""
    return dict(_walk(data, ()))


def numbered(found: Iterable[tuple[Path, Any]]) -> Facts:
    """Facts as a mapping; the second of one path is told apart from the first."""
    seen: Counter[Path] = Counter()
    facts: Facts = {}
    for path, value in found:
        seen[path] += 1
        facts[path if seen[path] == 1 else (*path, f"#{seen[path]}")] = value
    return facts


def is_repeated(path: Path) -> bool:
    """Whether a fact is of a second entry of one name."""
    return any(re.search(r"(^|\])#\d+$", part) for part in path)


def comments(text: str) -> str:
    """What facts leave out: the comments."""
    return "\n".join(re.findall(r"(?m)(?:^|\s)(?:#|;|//)(.*)$", text))


def _walk(data: object, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, dict):
        yield path, "dict"
        for name, value in data.items():
            yield from _walk(value, (*path, str(name)))
    elif isinstance(data, list):
        yield path, "list"
        seen: dict[str, int] = {}  # a Counter is slow where most names are new
        for value in data:
            name = entries.key(value)
            seen[name] = number = seen.get(name, 0) + 1
            yield from _walk(value, (*path, f"[{name}]" if number == 1 else f"[{name}]#{number}"))
    else:
        yield path, (type(data).__name__, data)
