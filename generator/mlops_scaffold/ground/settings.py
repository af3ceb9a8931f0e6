"""The user's settings: settings.yml with `template` (an address), `defaults` (answers of the company) and `merge`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.paths import config_dir

BY_FORMAT, TEXT = MERGES = ("format", "text")  # with what is known of a file's format, or line by line alone
LARGEST = 4 * 2**20  # bytes of a YAML file
MOST_NODES = 100_000  # of one, with all that its aliases stand for
MOST_DIGITS = 300  # of a number
HOLDS = "It may hold `template`, an address, `defaults`, a mapping of answers, and `merge`: format or text."


@dataclass(frozen=True)
class Settings:
    """What settings.yml says."""

    template: str | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    merge: str = BY_FORMAT


def load_settings() -> Settings:
    """Read settings.yml where there is one. Raises MlopsError where it cannot be understood."""
    path = config_dir() / "settings.yml"
    if not path.is_file():
        return Settings()
    raw = read_mapping(path)
    what = ""
    unknown = set(raw) - {"template", "defaults", "merge"}
    if unknown:
        what = f"has the unknown setting {min(unknown)!r}"
    elif not isinstance(raw.get("template"), str | None):
        what = "has a template that is no text"
    elif not isinstance(raw.get("defaults", {}), dict):
        what = "has defaults that are no mapping"
    elif raw.get("merge", BY_FORMAT) not in MERGES:
        what = f"has the merge {raw['merge']!r}"
    if what:
        raise MlopsError(f"{path} {what}.", HOLDS)
    return Settings(raw.get("template"), named_by_text(raw.get("defaults", {}), path), raw.get("merge", BY_FORMAT))


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises MlopsError for a file that is missing, no YAML, or no mapping."""
    try:
        raw = path.read_bytes()
    except OSError:
        raise MlopsError(f"{path} cannot be read.", "Check the path.") from None
    return parse_mapping(raw, path)


def parse_mapping(text: bytes, path: Path) -> dict[str, Any]:
    """The content of a YAML file that holds a mapping, as `read_mapping` reads it."""
    import yaml

    if len(text) > LARGEST:
        raise MlopsError(f"{path} is larger than {LARGEST // 2**20} MB.", "It must hold lines of KEY: VALUE.")
    try:
        raw = load_yaml(text.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise MlopsError(f"{path} is no YAML.", "It must hold lines of KEY: VALUE.") from None
    except (ValueError, LookupError, AttributeError):  # what the parser makes of `2024-13-45` or `!!bool maybe`
        raise MlopsError(
            f"{path} has a value that looks like a date, a number or a truth, and is none.", "Put it into quotes."
        ) from None
    if raw is not None and not isinstance(raw, dict):
        raise MlopsError(f"{path} holds no answers.", "It must hold lines of KEY: VALUE.")
    return named_by_text(raw or {}, path)


def named_by_text(mapping: dict[Any, Any], path: Path) -> dict[str, Any]:
    """A mapping of a file as it is. Raises MlopsError for a key that is no text: YAML reads `1`, and `on`, as such."""
    for key in mapping:
        if not isinstance(key, str):
            raise MlopsError(f"{path} has the key {key!r}, which is no text.", "Put it into quotes.")
    return mapping


def load_yaml(text: str) -> Any:
    """YAML by the parser in C where there is one: ten times as fast.

    Raises YAMLError for aliases that multiply, ValueError for numbers without an end.
    """
    import yaml

    loader = safe_loader()
    if "*" in text and "&" in text:
        count_nodes(yaml.compose(text, Loader=loader), {})
    return yaml.load(text, Loader=loader)  # noqa: S506  # both are safe loaders


@cache
def safe_loader() -> type:
    """YAML's safe loader, for numbers of up to MOST_DIGITS: longer ones of base 60 (1:59:59) take time without end."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    def bounded(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def number(loader: Any, node: Any) -> Any:
            if isinstance(node.value, str) and len(node.value) > MOST_DIGITS:
                raise ValueError("a number without an end")
            return construct(loader, node)

        return number

    for name in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{name}", bounded(getattr(Loader, f"construct_yaml_{name}")))
    return Loader


def count_nodes(node: Any, known: dict[int, int]) -> int:
    """How many nodes a document has, an alias counted as what it stands for. Raises YAMLError for too many."""
    import yaml

    if id(node) not in known:
        known[id(node)] = MOST_NODES  # one that holds itself is endless
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        pairs = (child if isinstance(child, tuple) else (child,) for child in children)
        known[id(node)] = 1 + sum(count_nodes(one, known) for pair in pairs for one in pair)
    if known[id(node)] > MOST_NODES:
        raise yaml.YAMLError("aliases that multiply")
    return known[id(node)]
