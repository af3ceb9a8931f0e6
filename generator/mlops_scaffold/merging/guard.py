"""The proof of a merge: what the result says is the three-way merge of what the sides say, and no word is lost.

It knows nothing of how the result was made: it reads the four texts, each by its format's own parser.
"""

import re
from collections import Counter
from functools import lru_cache

from mlops_scaffold.merging.formats import Format
from mlops_scaffold.merging.formats.facts import UNREADABLE, Facts, is_repeated
from mlops_scaffold.merging.renamed import follow
from mlops_scaffold.merging.words import merge_text

CONTRADICTION = "both changed it"


def holds(known: Format | None, base: str, ours: str, theirs: str, result: str) -> bool:
    """Whether nothing of either side is lost or doubled."""
    texts = base, ours, theirs, result
    if known is None:
        return words_kept(*texts)
    try:
        facts = [_facts(known, text) for text in texts]
    except UNREADABLE:
        return False
    return said(*facts) and words_kept(*(known.rest(text) for text in texts))


def holds_in_part(known: Format, sides: tuple[str, str, str], results: tuple[str, str]) -> bool:
    """Whether a merge with conflicts is one: `results` are the file with them decided for ours, and for theirs."""
    try:
        base, *both = (_facts(known, text) for text in sides)
        decided = [_facts(known, text) for text in results]
    except UNREADABLE:
        return False
    merged = three_way(base, *both)
    for side, result in zip(both, decided, strict=True):
        if any(result.get(path) not in (merged.get(path), side.get(path)) for path in {**merged, **side, **result}):
            return False
    return True


def is_sound(known: Format, sides: tuple[str, str, str], result: str) -> bool:
    """Whether a merge that git made is as well-formed as the sides are, and names nothing twice that they do not."""
    try:
        after = known.facts(result)
    except UNREADABLE:
        after = None
    twice = {path for path in after or () if not known.ORDERED and is_repeated(path)}
    if after is not None and not twice:
        return True
    try:
        _, ours, theirs = (_facts(known, text) for text in sides)
    except UNREADABLE:
        return True
    return after is not None and twice <= ours.keys() | theirs.keys()


@lru_cache(maxsize=16)  # one file is judged several times
def _facts(known: Format, text: str) -> Facts:
    return known.facts(text) if text.strip() else {}


def said(base: Facts, ours: Facts, theirs: Facts, result: Facts) -> bool:
    """Whether a result's facts are the three-way merge of the sides', or that with the entries that one renamed."""
    return three_way(base, ours, theirs) == result or three_way(*follow(base, ours, theirs)) == result


def three_way(base: Facts, ours: Facts, theirs: Facts) -> Facts:
    """The three-way merge of facts, with CONTRADICTION where there is none."""
    result: Facts = {}
    for path in {**base, **ours, **theirs}:
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        value = mine if mine == other or other == before else other
        if before not in (mine, other) and mine != other:
            value = _text(before, mine, other)
            value = CONTRADICTION if value is None else value
        if value is not None:
            result[path] = value
    return result


def _text(before: object, mine: object, other: object) -> object:
    """Two versions of a text of several lines can be one; of anything else they cannot."""
    sides = (before or ("str", ""), mine, other)
    texts = [side[1] for side in sides if isinstance(side, tuple) and side[0] == "str"]
    if len(texts) < 3 or not any("\n" in text for text in texts[1:]):
        return None
    merged = merge_text(*texts)
    return None if merged is None else ("str", merged)


def words_kept(base: str, ours: str, theirs: str, result: str) -> bool:
    """Whether each word is there as often as the sides say: where only one changed its number, exactly so."""
    before, mine, other, after = (_words(text) for text in (base, ours, theirs, result))
    for word in before | mine | other | after:
        counts = [mine[word], other[word], mine[word] + other[word] - before[word]]
        if before[word] in counts[:2]:
            counts = counts[2:]
        if not min(counts) <= after[word] <= max(counts):
            return False
    return True


def _words(text: str) -> Counter[str]:
    """The words; commas and quotes only lay them out."""
    return Counter(re.findall(r"\w+", text))
