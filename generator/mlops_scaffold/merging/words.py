"""A merge of text that looks closer than git: line by line inside a conflict, then word by word inside a line."""

import re
from collections import Counter

from mlops_scaffold.merging.sequences import Clash, Merged, lines_of, merge3

WORD = re.compile(r"\w+|[^\w\s]")
PLACED = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")  # a word with what is in front of it
ALIKE = 0.5  # below, two lines are no versions of one another, and their words are not compared
LONGEST = 400  # lines of one conflict: comparing more takes too long, and its result would be no merge but a guess


def merge_text(base: str, ours: str, theirs: str) -> str | None:
    """Merge. None where the sides clash."""
    parts = merge_lines(lines_of(base), lines_of(ours), lines_of(theirs))
    if any(isinstance(part, Clash) for part in parts):
        return None
    return "".join(line for part in parts if not isinstance(part, Clash) for line in part)


def merge_lines(base: list[str], ours: list[str], theirs: list[str], *, adjacent: bool = True) -> Merged:
    """Merge lines. What clashes is left as small as it can be. `adjacent` lets edits of lines touch."""
    whole = _settled(base, ours, theirs)
    if whole is not None:
        return [whole]
    if max(len(base), len(ours), len(theirs)) > LONGEST:
        return [Clash(base, ours, theirs)]
    parts: Merged = []
    for part in merge3(base, ours, theirs, adjacent):
        if isinstance(part, Clash):
            settled = _settled(part.base, part.ours, part.theirs)
            settled = _by_words(part) if settled is None else settled
            part = part if settled is None else settled
        parts.append(part)
    return parts


def _settled(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """The side that holds what the other has; None where each has something of its own."""
    if ours == theirs or base == theirs:
        return ours
    if base == ours:
        return theirs
    plain = [_plain(side) for side in (base, ours, theirs)]
    if plain[1] == plain[2] or plain[0] == plain[1]:  # but for the layout: the other's is taken
        return theirs
    if plain[0] == plain[2]:
        return ours
    if _has_more(plain[1], plain[2], plain[0]):
        return ours
    return theirs if _has_more(plain[2], plain[1], plain[0]) else None


def _has_more(more: list[str], less: list[str], base: list[str]) -> bool:
    """Whether a side made all of the other's changes, and added something."""
    added = Counter(more) - Counter(less)
    return bool(less) and _is_within(less, more) and not added.keys() & set(base)


def _plain(lines: list[str]) -> list[str]:
    """Lines without blank ones, and without what only lays out the others."""
    return [re.sub(r"(?<=\S)[ \t]+", " ", line.rstrip()) for line in lines if line.strip()]


def _is_within(less: list[str], more: list[str]) -> bool:
    """Whether all of `less` is in `more`, in that order."""
    rest = iter(more)
    return all(line in rest for line in less)


def _by_words(clash: Clash) -> list[str] | None:
    """Merge the words of lines that both changed. Edits must not touch: there is a word between them."""
    base, ours, theirs = (PLACED.findall("".join(side)) for side in (clash.base, clash.ours, clash.theirs))
    if not base or min(alike(base, ours), alike(base, theirs)) < ALIKE:
        return None
    parts = merge3(base, ours, theirs)
    if any(isinstance(part, Clash) for part in parts):
        return None
    return lines_of("".join(word for part in parts if not isinstance(part, Clash) for word in part))


def alike(base: list[str], side: list[str]) -> float:
    """The share of words that two texts have in common, from 0 to 1."""
    one, other = (Counter(word.strip() for word in words if not word.isspace()) for words in (base, side))
    return 2 * (one & other).total() / max((one + other).total(), 1)
