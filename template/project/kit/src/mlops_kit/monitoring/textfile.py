"""Metrics for Prometheus as a file, which the textfile collector of its node exporter reads.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

Samples = Iterable[tuple[dict[str, str], float]]


def gauge(name: str, says: str, samples: Samples) -> Iterator[str]:
    """The lines of one gauge; each sample is its labels and its value."""
    yield f"# HELP {name} {says}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {float(value):.10g}"


def checked(name: str, labels: dict[str, str]) -> Iterator[str]:
    """When it was looked: now."""
    yield from gauge(name, "When it was looked.", [(labels, int(time.time()))])


def _labels(labels: dict[str, str]) -> str:
    pairs = (
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}" if labels else ""


def write(path: Path, lines: Iterable[str]) -> None:
    """Write the file whole or not at all: the collector may read at any time."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fresh.replace(path)
