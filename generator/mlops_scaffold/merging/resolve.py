"""One file that git left in conflict: by its keys, by its words, and then with the two policies. Or as it is.

Whatever is proposed must pass the guard. What does not stays a conflict, with markers around less.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from mlops_scaffold.merging import guard, hunks, policies
from mlops_scaffold.merging.formats import Format, format_of, is_written_by_a_program
from mlops_scaffold.merging.formats.facts import UNREADABLE
from mlops_scaffold.merging.keyed import Conflict, Keyed
from mlops_scaffold.merging.partly import Partly
from mlops_scaffold.merging.pieces import Piece, Unfit, cut, source
from mlops_scaffold.merging.sequences import Clash, Merged
from mlops_scaffold.merging.words import merge_lines

BY_KEYS, BY_WORDS = "merged by keys", "merged by words"
LARGEST = 60_000  # characters of the three together: a tenth of a second
FOREIGN = ("\r", "\0", "<" * hunks.SIZE)  # other line ends, no text, what our own markers look like

Texts = tuple[str, str, str]  # base, ours, theirs
MergeFile = Callable[[Texts], str]  # git's own merge of three texts, as `git merge-file --diff3` prints it


@dataclass(frozen=True)
class Resolution:
    """What became of a file: lines, and what still clashes; by which rule, and what to tell of it."""

    parts: tuple["list[str] | Clash", ...]
    rule: str = ""
    details: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing is left for a person."""
        return not any(isinstance(part, Clash) for part in self.parts)

    @property
    def text(self) -> str:
        """The file, with conflict markers where it is not settled."""
        return hunks.show(self.parts)


def resolve(path: str, sides: Texts, merge_file: MergeFile) -> Resolution | None:
    """Merge one file. None where nothing can be made of it."""
    whole = "".join(sides)
    if is_written_by_a_program(path) or len(whole) > LARGEST or any(sign in whole for sign in FOREIGN):
        return None
    known = format_of(path)
    if found := attempt(known, sides, merge_file):
        return found
    given_way, told = with_policies(known, sides)
    if told and (found := attempt(known, given_way, merge_file)):
        rules = dict.fromkeys(line.partition(":")[0] for line in told)
        return Resolution(found.parts, ", ".join((found.rule, *rules)), (*found.details, *told))
    return smaller(known, given_way, merge_file, told)


def mend(path: str, sides: Texts, result: str) -> Resolution | None:
    """What git merged without a conflict, and yet is broken: both added one key, say. None where it is not."""
    known = format_of(path)
    if known is None or is_written_by_a_program(path) or len(result) > LARGEST or guard.is_sound(known, sides, result):
        return None
    for found in by_keys(known, sides):
        if guard.holds(known, *sides, found.text):
            return found
    return Resolution(tuple(hunks.differences(*sides[1:])))


def attempt(known: Format | None, sides: Texts, merge_file: MergeFile) -> Resolution | None:
    """The first of the merges that passes the guard."""
    for ways in (by_keys(known, sides), by_words(known, sides, merge_file)):
        for found in ways:
            if guard.holds(known, *sides, found.text):
                return found
    return None


def by_keys(known: Format | None, sides: Texts) -> Iterator[Resolution]:
    """The merge of the file's entries, where it has any."""
    whole = divided(known, sides)
    if not whole:
        return
    merge = Keyed()
    try:
        text = source(merge.merge(*whole))
    except (Conflict, Unfit):
        return
    yield Resolution(
        ([text],), BY_KEYS, tuple(f"of both sides: {entry}" for entry in dict.fromkeys(merge.both) if entry)
    )


def by_words(known: Format | None, sides: Texts, merge_file: MergeFile) -> Iterator[Resolution]:
    """Git's merge with its conflicts looked at more closely."""
    found = Resolution(tuple(closer(known, hunks.parse(merge_file(sides)))), BY_WORDS)
    if found.settled:
        yield found


def closer(known: Format | None, merged: Merged) -> Merged:
    """A merge in which each conflict is as small as it can be. Edited lines may touch where a format's facts judge."""
    parts: Merged = []
    for part in merged:
        if isinstance(part, Clash):
            parts += merge_lines(part.base, part.ours, part.theirs, adjacent=known is not None)
        else:
            parts.append(part)
    return parts


@lru_cache(maxsize=4)  # the merges of one file take it apart once
def divided(known: Format | None, sides: Texts) -> tuple[Piece, Piece, Piece] | None:
    """The sides in pieces. One that a side has emptied is not taken apart: nothing says what of it is meant to stay."""
    if known is None or (sides[0].strip() and not all(text.strip() for text in sides)):
        return None
    try:
        lined = [f"\n{text}" for text in sides]
        base, ours, theirs = (cut(text, known.spans(text) if text.strip() else (), known.ORDERED) for text in lined)
    except (Unfit, *UNREADABLE):
        return None
    return base, ours, theirs


def with_policies(known: Format | None, sides: Texts) -> tuple[Texts, list[str]]:
    """The sides after the policies, and what to tell of them."""
    whole = divided(known, sides)
    if not whole:
        return sides, []
    ours, theirs, told = policies.settle(*whole)
    return (sides[0], source(ours), source(theirs)), told


def smaller(known: Format | None, sides: Texts, merge_file: MergeFile, told: list[str]) -> Resolution | None:
    """The conflict with markers around less; as git left it, where the closer looks are found to be wrong."""
    left = hunks.parse(merge_file(sides))
    for parts in sorted((closer(known, left), *in_part(known, sides)), key=_in_conflict):
        found = Resolution(tuple(parts), details=tuple(told))
        if not found.settled:
            return found
    return None if Resolution(tuple(left)).settled else Resolution(tuple(left), details=tuple(told))


def in_part(known: Format | None, sides: Texts) -> Iterator[Merged]:
    """The merge of those entries that can be merged."""
    whole = divided(known, sides)
    if not known or not whole:
        return
    try:
        parts = Partly().parts(whole)
    except (Conflict, Unfit):
        return
    ours, theirs = ("".join(hunks.decided(parts, side)) for side in (hunks.OURS, hunks.THEIRS))
    if guard.holds_in_part(known, sides, (ours, theirs)):
        yield parts


def _in_conflict(parts: Merged) -> int:
    """How many lines are left in conflict."""
    return sum(len(part.ours) + len(part.theirs) for part in parts if isinstance(part, Clash))
