"""A three-way merge of pieces: entries that only one side changed are taken, by their keys."""

import re
from dataclasses import dataclass, field

from mlops_scaffold.merging.formats.entries import NAMELESS
from mlops_scaffold.merging.pieces import REPEATED, Piece
from mlops_scaffold.merging.words import merge_text

SOME = 3  # so many entries are not in alphabetical order by chance

Sides = tuple[Piece, Piece, Piece]
Entries = tuple[Piece | None, Piece | None, Piece | None]


class Conflict(Exception):
    """Both sides changed one entry, each in its own way."""


@dataclass
class Keyed:
    """A merge, and the entries in which something of both sides came together."""

    both: list[str] = field(default_factory=list)

    def merge(self, base: Piece | None, ours: Piece, theirs: Piece, where: str = "") -> Piece:
        """Merge one entry. Raises Conflict."""
        if ours == theirs or base == theirs:
            return ours
        if base == ours:
            return theirs
        sides = base or nothing(ours), ours, theirs
        here = f"{where}.{_shown(ours.key)}".lstrip(".")
        lead, after = (self._text(sides, name, here) for name in ("lead", "after"))
        if all(side.kids is not None for side in sides) and len({side.separator for side in sides}) == 1:
            kept = len(self.both)
            try:
                return self.container(sides, here)._replace(lead=lead, after=after)
            except Conflict:
                del self.both[kept:]
        self.both.append(here)
        return Piece(ours.key, self._text(sides, "body", here), lead=lead, after=after, free=ours.free)

    def container(self, sides: Sides, here: str) -> Piece:
        """Merge the entries of one that holds others. Raises Conflict."""
        base, ours, theirs = sides
        is_theirs = not ours.kids or (theirs.kids and (base.first, base.between) == (ours.first, ours.between))
        layout = theirs if is_theirs else ours
        return ours._replace(
            head=self._text(sides, "head", here),
            tail=self._text(sides, "tail", here),
            first=layout.first,
            between=layout.between,
            trailing=(theirs if base.trailing == ours.trailing else ours).trailing,
            kids=self._kids(sides, here),
        )

    def _kids(self, sides: Sides, here: str) -> tuple[Piece, ...]:
        base, ours, theirs = known = tuple({kid.key: kid for kid in side.kids or ()} for side in sides)
        repeated = [{key for key in side if REPEATED in key or key == NAMELESS} for side in known]
        if not repeated[0] == repeated[1] == repeated[2]:
            raise Conflict(f"{here}: entries of one name")
        if renames(sides[0], sides[1]) and renames(sides[0], sides[2]):
            raise Conflict(f"{here}: both may have given an entry another name")
        merged: list[Piece] = []
        for key in order(base, ours, theirs, sides[1].ordered and sides[2].ordered):
            merged += self.entry((base.get(key), ours.get(key), theirs.get(key)), sides, here)
        if ours.keys() - base.keys() and theirs.keys() - base.keys():
            self.both.append(here)
        return tuple(merged)

    def entry(self, entries: Entries, within: Sides, here: str) -> list[Piece]:  # noqa: ARG002
        """What becomes of one entry of a container. Raises Conflict."""
        before, mine, other = entries
        if mine and other:
            return [self.merge(before, mine, other, here)]
        found = mine or other
        if found and before and before.meaning != found.meaning:
            raise Conflict(f"{here}: {found.key} is removed by one side and edited by the other")
        return [found] if found and not before else []

    @staticmethod
    def _text(sides: Sides, name: str, here: str) -> str:
        """A part of an entry, merged as text."""
        base, ours, theirs = (side.body() if name == "body" else str(getattr(side, name)) for side in sides)
        if ours.strip() == theirs.strip():
            return ours if ours != base else theirs
        merged = merge_text(base, ours, theirs)
        if merged is None:
            raise Conflict(here)
        return merged


def nothing(like: Piece) -> Piece:
    """What an entry was before both sides added it."""
    return Piece(like.key, "", kids=None if like.kids is None else (), separator=like.separator)


Known = dict[str, Piece]


def renames(base: Piece, side: Piece) -> bool:
    """Whether an entry of several lines went, and another one came."""
    known = [{kid.key: kid for kid in one.kids or ()} for one in (base, side)]
    gone, come = ([kid for key, kid in one.items() if key not in other] for one, other in (known, known[::-1]))
    return all(any("\n" in kid.body() for kid in kids) for kids in (gone, come))


def order(base: Known, ours: Known, theirs: Known, ordered: bool) -> list[str]:
    """The keys of all sides in the order of the result. Raises Conflict where it would be a guess."""
    common = [key for key in base if key in ours and key in theirs]
    shared = set(common)
    in_ours, in_theirs = ([key for key in side if key in shared] for side in (ours, theirs))
    if ordered and in_ours != common != in_theirs and in_ours != in_theirs:
        raise Conflict("both put the entries into another order")
    first, second = (theirs, ours) if in_ours == common != in_theirs else (ours, theirs)
    result = list(first)
    alphabetical = not ordered and len(result) >= SOME and result == sorted(result)
    for before, key in zip([None, *second], second, strict=False):
        if key in first:
            continue
        if alphabetical:
            at = next((number for number, other in enumerate(result) if other > key), len(result))
        else:
            at = result.index(before) + 1 if before is not None else 0
            at = _behind_rivals(result, at, key, ordered, (base, first, second))
        result.insert(at, key)
    return result


def _behind_rivals(result: list[str], at: int, key: str, ordered: bool, sides: tuple[Known, Known, Known]) -> int:
    """The place of a new entry: where the other side has put some of its own too, it comes behind them."""
    base, first, second = sides
    while at < len(result) and result[at] not in base and result[at] not in second:
        if ordered and not (second[key].free and first[result[at]].free):
            raise Conflict(f"the order of {key} and {result[at]}")
        at += 1
    return at


def _shown(key: str) -> str:
    return re.sub(r"\s+", " ", key.split(REPEATED)[0]).strip()
