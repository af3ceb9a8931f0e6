"""A merge by keys that leaves some entries in conflict: the markers are around those alone."""

import re
from dataclasses import dataclass, field

from mlops_scaffold.merging.keyed import Conflict, Entries, Keyed, Sides, renames
from mlops_scaffold.merging.pieces import Piece, source
from mlops_scaffold.merging.sequences import Merged, lines_of
from mlops_scaffold.merging.words import merge_lines

PLACE = re.compile(r"[ \t]*\0(\d+)\0\n?")  # a line that stands for an entry in conflict


@dataclass
class Partly(Keyed):
    """A merge; what becomes of the entries in conflict is in `left`."""

    left: list[Merged] = field(default_factory=list)

    def parts(self, sides: Sides) -> Merged:
        """Merge a whole file. Raises Conflict where not even a part of it can be merged."""
        parts: Merged = []
        for line in lines_of(source(self.container(sides, ""))):
            place = PLACE.fullmatch(line)
            parts += self.left[int(place[1])] if place else [[line]]
        return parts

    def entry(self, entries: Entries, within: Sides, here: str) -> list[Piece]:
        """What becomes of one entry: merged, merged in part, or a place for its conflict."""
        try:
            return Keyed().entry(entries, within, here)
        except Conflict:
            if any(side.separator or not side.first.startswith("\n") for side in within if side.kids):
                raise
        before, mine, other = entries
        if any(one is None and renames(within[0], side) for one, side in zip(entries, within, strict=True)):
            raise Conflict(f"{here}: what was removed may have another name")
        if before and mine and other and all(side.kids for side in (before, mine, other)):
            kept = len(self.left)
            try:
                return [self.container((before, mine, other), here)]
            except Conflict:
                del self.left[kept:]
        base, ours, theirs = (_lines(one, side) for one, side in zip(entries, within, strict=True))
        self.left.append(merge_lines(base, ours, theirs))
        key = next(one.key for one in entries if one)
        return [Piece(key, f"\0{len(self.left) - 1}\0")]


def _lines(entry: Piece | None, within: Piece) -> list[str]:
    """The lines of an entry of a container."""
    if entry is None:
        return []
    return lines_of(f"{entry.lead}{within.between}{entry.body()}{entry.after}"[1:] + "\n")
