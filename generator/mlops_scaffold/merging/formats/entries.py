"""What an entry of a list is called, and which lists are sets. Spans and facts of all formats agree on it."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

NAMES = ("id", "name", "repo", "uses", "run", "module", "directory", "path", "filename")  # what tells mappings apart
NAMELESS = "an entry without a name"
SETS = {
    *("dependencies", "requires", "dynamic", "classifiers", "keywords", "install_requires", "optional-dependencies"),
    *("select", "extend-select", "ignore", "extend-ignore", "exclude", "extend-exclude", "per-file-ignores"),
    *("deps", "outs", "params", "metrics", "additional_dependencies", "extras", "packages"),
    *("python", "python-version", "os", "branches", "tags", "labels", "types"),
}
# PEP 508: a name, extras, versions or an address, a marker.
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^]]*\])?\s*"
    r"(?P<version>\(?(?:[<>=!~]=?=?|@)[^;]*)?(?P<marker>;.*)?"
)


def key(value: Any) -> str:  # noqa: ANN401  # anything that a list may hold
    """An entry's name: of a dependency without its version, of an action without its pin.

    Entries without one have the same: they are told apart by their number, so no merge can put another among them.
    """
    if isinstance(value, dict):
        name = next((name for name in NAMES if isinstance(value.get(name), str)), "")
        if not name:
            return str(*value) if len(value) == 1 else NAMELESS
        return f"{name} {value[name].split('@')[0] if name == 'uses' else value[name]}"
    if isinstance(value, list):
        return NAMELESS
    return _name(value) if isinstance(value, str) else repr(value)


@lru_cache(maxsize=10_000)  # each of the texts of a file has nearly the same entries
def _requirement(value: str) -> re.Match[str] | None:
    return REQUIREMENT.fullmatch(value.strip())


@lru_cache(maxsize=10_000)
def _name(value: str) -> str:
    found = _requirement(value)
    if not found:
        return value
    marker = re.sub(r"\s|['\"]", "", found["marker"] or "")
    return re.sub(r"[-_.]+", "-", found["name"]).lower() + marker


def is_set(name: str, values: Sequence[Any]) -> bool:
    """Whether the order of a list's entries says nothing: it is known by name, or of dependencies alone."""
    if not all(isinstance(value, str) for value in values):
        return False
    if name.strip("\"'") in SETS:
        return True
    found = [_requirement(value) for value in values]
    return all(found) and any(match and (match["version"] or match["marker"]) for match in found)
