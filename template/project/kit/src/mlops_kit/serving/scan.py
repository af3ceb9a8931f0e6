"""How large the parts of a JSON body are, counted without parsing it: what is too large is never parsed.

A body is `{"rows": [{...}, ...]}` or `{"inputs": [{...}, ...]}`: its entries are at depth 2, and their values deeper.
Blocks of bytes are counted by numpy, which keeps other threads running; memory does not grow with the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 128 * 1024  # bytes
QUOTE, OPEN, CLOSE, COMMA = ord('"'), 1, 2, 3
KIND = np.zeros(256, dtype=np.uint8)
KIND[list(b"[{")], KIND[list(b"]}")], KIND[ord(",")] = OPEN, CLOSE, COMMA
STEP = np.array([0, 1, -1, 0], dtype=np.int64)


@dataclass(frozen=True)
class Shape:
    """What a body holds. `begin` and `end` are the places of the first list of entries; `cuts` are between entries."""

    values: int  # at least as many as there are; counting ends where there are too many
    largest: int  # the most values that one entry has
    outside: int  # how many commas are between the lists of entries
    begin: int
    end: int
    cuts: np.ndarray

    @property
    def entries(self) -> int:
        """How many entries there are, in all lists."""
        return len(self.cuts) + 1


def most_values(body: bytes) -> int:
    """A number of values that a body certainly does not exceed, quickly."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def scan(body: bytes, most_values: int) -> Shape:
    """Count. A body that is not JSON gives any numbers, but takes no longer."""
    # An escaped quote ends no string: escapes are blanked, which moves nothing.
    plain = body.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in body else body
    every = np.frombuffer(plain, dtype=np.uint8)
    inside = depth = values = since_cut = largest = outside = 0
    begin = end = -1
    cuts = []
    for start in range(0, len(every), BLOCK):
        block = every[start : start + BLOCK]
        strings = np.cumsum(block == QUOTE, dtype=np.uint8) + np.uint8(inside)  # odd within a string
        inside = int(strings[-1]) & 1
        kinds = np.take(KIND, block) * (1 - (strings & 1))
        places = np.flatnonzero(kinds != 0)
        kinds = kinds[places]
        depths = depth + np.cumsum(np.take(STEP, kinds))
        counted = (kinds == OPEN) | (kinds == COMMA)
        values += int(np.count_nonzero(counted))
        if values > most_values:
            break
        if not len(places):
            continue
        depth = int(depths[-1])
        if begin < 0 and len(first := np.flatnonzero((kinds == OPEN) & (depths == 2))):
            begin = start + int(places[first[0]]) + 1
        closed = (kinds == CLOSE) & (depths == 1) & (start + places >= begin)
        if end < 0 <= begin and len(first := np.flatnonzero(closed)):
            end = start + int(places[first[0]])
        outside += int(np.count_nonzero((kinds == COMMA) & (depths < 2)))
        commas = np.flatnonzero((kinds == COMMA) & (depths == 2))
        cuts.append(start + places[commas])
        deeper = np.cumsum(counted & (depths > 2))
        sizes = np.diff(deeper[commas], prepend=-since_cut, append=deeper[-1])
        largest, since_cut = max(largest, int(sizes.max())), int(sizes[-1])
    return Shape(values, largest, outside, begin, end, np.concatenate(cuts) if cuts else np.array([], dtype=np.int64))


def pieces(shape: Shape, size: int) -> list[tuple[int, int]]:
    """Where to cut the first list of entries into pieces of about `size` bytes: pairs of begin and end."""
    cuts = shape.cuts[shape.cuts < shape.end]
    found, begin = [], shape.begin
    while begin < shape.end:
        place = np.searchsorted(cuts, begin + size)
        end = int(cuts[place]) if place < len(cuts) else shape.end
        found.append((begin, end))
        begin = end + 1
    return found
