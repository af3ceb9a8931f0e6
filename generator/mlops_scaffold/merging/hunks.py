"""A text that git has merged, with the conflicts that it left in it."""

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from mlops_scaffold.merging.sequences import Clash, Merged, lines_of

OURS, THEIRS = "project", "template"  # what the conflict markers say
SIZE = 47  # of markers that only we see: seven signs are a heading in Markdown


def parse(text: str) -> Merged:
    """Merged lines and clashes, of what `git merge-file` printed with SIZE. Raises ValueError for a torn conflict."""
    parts: Merged = []
    lines = iter(lines_of(text))
    for line in lines:
        if line == f"{'<' * SIZE} {OURS}\n":
            ours, base = _until(f"{'|' * SIZE} base", lines), _until("=" * SIZE, lines)
            parts.append(Clash(base, ours, _until(f"{'>' * SIZE} {THEIRS}", lines)))
        else:
            parts.append([line])
    return parts


def _until(mark: str, lines: Iterator[str]) -> list[str]:
    """The lines before a marker."""
    found: list[str] = []
    for line in lines:
        if line.rstrip("\n") == mark:
            return found
        found.append(line)
    raise ValueError(f"no {mark}")


def differences(ours: str, theirs: str) -> Merged:
    """All in which two texts differ, as clashes."""
    one, other = lines_of(ours), lines_of(theirs)
    return [
        one[i:j] if tag == "equal" else Clash([], one[i:j], other[k:end])
        for tag, i, j, k, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    ]


def decided(parts: Merged, side: str) -> list[str]:
    """The lines, with every conflict decided for one side."""
    both = [part if isinstance(part, list) else part.ours if side == OURS else part.theirs for part in parts]
    return [line for lines in both for line in lines]


def show(
    parts: "Iterable[list[str] | Clash]",
    labels: tuple[str, str] = (OURS, THEIRS),
    size: int = 7,
    with_base: bool = False,
) -> str:
    """The text, with markers around what clashes."""
    shown: list[str] = []
    for part in parts:
        if not isinstance(part, Clash):
            shown += part
            continue
        shown += [f"{'<' * size} {labels[0]}\n", *_ended(part.ours)]
        shown += [f"{'|' * size} base\n", *_ended(part.base)] if with_base else []
        shown += ["=" * size + "\n", *_ended(part.theirs), f"{'>' * size} {labels[1]}\n"]
    return "".join(shown)


def _ended(lines: list[str]) -> list[str]:
    """Lines, of which the last one may have had no line break."""
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
