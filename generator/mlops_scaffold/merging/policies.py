"""Two rules where both sides changed one thing and no merge could be right, but people always decide the same way.

A policy changes the question: the side that gives way is taken as if it had not changed. The merge and its proof are
then as for any other file. Each policy that was used is told.
"""

import re

from mlops_scaffold.merging.pieces import Piece
from mlops_scaffold.merging.words import WORD, alike

Known = dict[str, Piece]

NEWER_PIN = "newer pin"
STAYS_DELETED = "a section that you deleted stays deleted"
# An action by its digest, with the version in a comment, or by its version; a hook's revision; a requirement.
VERSION = r"v?\d+(?:\.\d+)*(?![\w.-])"
PIN = re.compile(
    r"(?:@|\brev:[ ]*|(?:^|^- +|[\"'])[A-Za-z0-9][\w.-]*(?:\[[^]]*\])?==)"
    rf"[\"']?(?P<pin>[0-9a-f]{{40}}(?!\w)|{VERSION})[\"']?"
    rf"(?:[ \t]+#[ \t]*(?:tag=|pin@)?(?P<version>{VERSION}))?"
)
ALIKE = 0.5  # a section of another name with so much of the deleted one's text is that one, renamed


def settle(base: Piece, ours: Piece, theirs: Piece) -> tuple[Piece, Piece, list[str]]:
    """Both sides after the policies, and those that were used, each with the entry that it was used on.

    Pins are looked for in lists and mappings, sections in Markdown.
    """
    told: list[str] = []
    settled = _sections(base, ours, theirs, told) if base.ordered else _pins(base, ours, theirs, told)
    return *settled, told


def _pins(base: Piece, ours: Piece, theirs: Piece, told: list[str]) -> tuple[Piece, Piece]:
    if base.kids is None or ours.kids is None or theirs.kids is None:
        return _newer_pin(base, ours, theirs, told)
    before, mine, other = ({kid.key: kid for kid in side.kids or ()} for side in (base, ours, theirs))
    for key in [key for key in before if key in mine and key in other]:
        mine[key], other[key] = _pins(before[key], mine[key], other[key], told)
    return ours._replace(kids=tuple(mine.values())), theirs._replace(kids=tuple(other.values()))


def _sections(base: Piece, ours: Piece, theirs: Piece, told: list[str]) -> tuple[Piece, Piece]:
    before, mine, other = ({kid.key: kid for kid in side.kids or ()} for side in (base, ours, theirs))
    for key in [key for key in before if key in other and key not in mine and other[key] != before[key]]:
        if _is_deleted_section(before[key], before, mine):
            other[key] = before[key]
            told.append(f"{STAYS_DELETED}: {key}")
    return ours, theirs._replace(kids=tuple(other.values()))


def _is_deleted_section(section: Piece, base: Known, ours: Known) -> bool:
    """Whether a section of Markdown is deleted, and not there under another name."""
    if not re.match(r"#{2,6} ", section.key):
        return False
    new = (kid for key, kid in ours.items() if key not in base)
    return all(alike(_below(section), _below(other)) < ALIKE for other in new)


def _below(section: Piece) -> list[str]:
    """The words of a section but for its heading."""
    return WORD.findall(section.body().partition("\n")[2])


def _newer_pin(base: Piece, ours: Piece, theirs: Piece, told: list[str]) -> tuple[Piece, Piece]:
    """Let the side with the older pin be as base, where nothing but the pin differs."""
    if ours.head == theirs.head or base.head in (ours.head, theirs.head):
        return ours, theirs
    sides = base.head, ours.head, theirs.head
    found = [PIN.search(side) for side in sides]
    if len({PIN.sub("@", side, count=1).strip() for side in sides}) > 1:
        return ours, theirs
    versions = [_version(match) for match in found if match]
    if len(versions) < 3 or not versions[1] or not versions[2]:
        return ours, theirs
    length = min(len(versions[1]), len(versions[2]))
    newer_is_theirs = versions[1][:length] < versions[2][:length]
    newer, older = (theirs, ours) if newer_is_theirs else (ours, theirs)
    told.append(f"{NEWER_PIN}: {newer.head.strip()}, not {older.head.strip()}")
    given_way = older._replace(head=base.head)
    return (given_way, theirs) if newer_is_theirs else (ours, given_way)


def _version(pin: re.Match[str]) -> tuple[int, ...]:
    """A pin's version; empty for a bare digest."""
    text = pin["version"] or (pin["pin"] if len(pin["pin"]) < 40 else "")
    return tuple(int(number) for number in re.findall(r"\d+", text))
