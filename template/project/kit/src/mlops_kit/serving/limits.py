"""What the service accepts at most: one table of limits. Each is set by the environment variable of its name.

Above a limit, a request is refused at once, before it costs memory or time; docs/serving.md has the same table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from mlops_kit.ground import KitError


def _limit(default: int, meaning: str, refusal: str) -> int:
    found: int = field(default=default, metadata=dict(meaning=meaning, refusal=refusal))
    return found


@dataclass(frozen=True)
class Limits:
    """The limits of a service; each is a whole number from 1. MAX_BODY_BYTES is `max_body_bytes`, and so on."""

    max_body_bytes: int = _limit(16 * 2**20, "the body of a request", "413")
    max_header_bytes: int = _limit(32 * 2**10, "the request line and headers of a request", "431")
    max_rows: int = _limit(10_000, "rows of a request", "422")
    max_keys: int = _limit(1_000, "keys of a row; the contract's columns where those are more", "422")
    max_tensors: int = _limit(1_000, "tensors of a `/v2` request; the contract's columns where those are more", "422")
    max_values: int = _limit(1_000_000, "JSON values of a request, of all rows or tensors together", "422")
    max_string: int = _limit(1_000_000, "characters of one string", "422")
    max_errors: int = _limit(100, "errors listed in the response to an invalid request", "the others are left out")
    max_requests: int = _limit(128, "requests in progress; `GET` requests are always answered", "503")
    max_batches: int = _limit(4, "requests in progress whose body is larger than 32 KB; as many wait", "503")
    max_connections: int = _limit(1_000, "open connections", "503, and closed")
    header_seconds: int = _limit(10, "until the headers of a request are complete", "408, and closed")
    body_seconds: int = _limit(
        30, "until the body of a request is complete, and until a response is read", "408, and closed"
    )
    idle_seconds: int = _limit(5, "that a connection stays open after a response", "closed")
    drain_seconds: int = _limit(15, "after SIGTERM in which requests in progress are finished", "closed")


def from_environment(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits, as the environment sets them. Raises KitError for a value that is not a whole number from 1."""
    found = {}
    for each in fields(Limits):
        name = each.name.upper()
        if not (text := environment.get(name, "")):
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 13 and int(text)):
            raise KitError(
                f"{name} is {text!r}: set a whole number from 1, or unset it: its default is {each.default}."
            )
        found[each.name] = int(text)
    return Limits(**found)


def table() -> str:
    """The table of docs/serving.md, in Markdown."""
    lines = ["| variable | default | limits | above it |", "|---|---|---|---|"]
    for each in fields(Limits):
        meaning = _unit(each.name) + each.metadata["meaning"]
        lines.append(f"| `{each.name.upper()}` | {each.default:,} | {meaning} | {each.metadata['refusal']} |")
    return "\n".join(lines) + "\n"


def _unit(name: str) -> str:
    return next((f"{unit} " for unit in ("bytes of", "seconds") if name.endswith(unit.split()[0])), "")
