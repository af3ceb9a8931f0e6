"""A three-way merge of two edited sequences: of lines, or of the words of a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple


@dataclass(frozen=True)
class Clash:
    """A stretch that both sides changed, each in its own way."""

    base: list[str]
    ours: list[str]
    theirs: list[str]


Merged = list["list[str] | Clash"]


def lines_of(text: str) -> list[str]:
    """Lines with their line breaks. `splitlines` knows others too, which the formats do not."""
    return [*(f"{line}\n" for line in text.split("\n")[:-1]), *filter(None, text.split("\n")[-1:])]


class Edit(NamedTuple):
    """base[start:end] was replaced by `new`."""

    start: int
    end: int
    new: tuple[str, ...]


def edits(base: Sequence[str], side: Sequence[str]) -> list[Edit]:
    """What was done to `base` to get `side`."""
    found = SequenceMatcher(None, base, side, autojunk=False).get_opcodes()
    return [Edit(i, j, tuple(side[k:end])) for tag, i, j, k, end in found if tag != "equal"]


def merge3(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], adjacent: bool = False) -> Merged:
    """Merge. `adjacent` lets edits touch; git takes that for a conflict."""
    left, right = edits(base, ours), edits(base, theirs)
    same = set(left) & set(right)
    result: Merged = []
    done = 0
    for group in _groups([e for e in left if e not in same], [e for e in right if e not in same], same, adjacent):
        start, end = min(e.start for e, _ in group), max(e.end for e, _ in group)
        result.append(list(base[done:start]))
        made = [_apply(base, start, end, [e for e, sides in group if side in sides]) for side in "ot"]
        one_sided = len({sides for _, sides in group}) == 1
        if one_sided:
            result.append(made["ot".index(group[0][1][0])])
        else:
            result.append(Clash(list(base[start:end]), *made) if made[0] != made[1] else made[0])
        done = end
    result.append(list(base[done:]))
    return [part for part in result if part]


def _groups(left: list[Edit], right: list[Edit], same: set[Edit], adjacent: bool) -> list[list[tuple[Edit, str]]]:
    """Edits by place, with their sides ("o", "t" or "ot"); those that cannot both be made are in one group."""
    marked = [(e, "o") for e in left] + [(e, "t") for e in right] + [(e, "ot") for e in same]
    groups: list[list[tuple[Edit, str]]] = []
    for edit, sides in sorted(marked, key=lambda pair: pair[0][:2]):
        last = groups[-1] if groups else []
        mixed = len({found for _, found in last}) > 1
        inside = mixed and edit.start < max(e.end for e, _ in last)
        if inside or any({sides, found} == {"o", "t"} and _collide(edit, e, adjacent) for e, found in last):
            last.append((edit, sides))
        else:
            groups.append([(edit, sides)])
    return groups


def _collide(one: Edit, other: Edit, adjacent: bool) -> bool:
    """Whether two edits overlap. An insertion collides with another one, and with a deletion that it touches."""
    first, second = sorted((one, other))
    if first.end > second.start:
        return True
    touch = first.end == second.start
    if not touch or not adjacent:
        return touch
    insertion, changed = (first, second) if first.start == first.end else (second, first)
    return insertion.start == insertion.end and not (changed.new and changed.start < changed.end)


def _apply(base: Sequence[str], start: int, end: int, changes: list[Edit]) -> list[str]:
    """base[start:end] with some edits."""
    result: list[str] = []
    for edit in changes:
        result += [*base[start : edit.start], *edit.new]
        start = edit.end
    return result + list(base[start:end])
