"""An entry that one side gave another name: a table, a step, a function. What it holds is told apart from that."""

from mlops_scaffold.merging.formats.facts import Facts, Path

ALIKE = 0.5  # the share of what an entry holds that is still there under the new name


def follow(base: Facts, ours: Facts, theirs: Facts) -> tuple[Facts, Facts, Facts]:
    """The same facts, with each entry that one side alone renamed under its new name on all sides."""
    for old, new in _renames(base, ours, theirs).items():
        base, theirs = _moved(base, old, new), _moved(theirs, old, new)
    for old, new in _renames(base, theirs, ours).items():
        base, ours = _moved(base, old, new), _moved(ours, old, new)
    return base, ours, theirs


def _renames(base: Facts, side: Facts, other: Facts) -> dict[Path, Path]:
    """What one side renamed and the other did not touch the name of. Two that may be the same one are none."""
    before, after, there = (_containers(facts) for facts in (base, side, other))
    come = after.keys() - before.keys() - there.keys()
    found: dict[Path, Path] = {}
    for old in sorted((before.keys() & there.keys()) - after.keys(), key=len):
        held = before[old]
        alike = [new for new in come if len(held & after[new]) >= ALIKE * len(held)]
        if len(alike) == 1 and not any(old[: len(path)] == path or alike[0] == new for path, new in found.items()):
            found[old] = alike[0]
    return found


def _containers(facts: Facts) -> dict[Path, set[tuple[Path, str]]]:
    """What each container holds, by the path from there."""
    found: dict[Path, set[tuple[Path, str]]] = {}
    for path, value in facts.items():
        for length in range(1, len(path)):
            found.setdefault(path[:length], set()).add((path[length:], repr(value)))
    return found


def _moved(facts: Facts, old: Path, new: Path) -> Facts:
    return {new + path[len(old) :] if path[: len(old)] == old else path: value for path, value in facts.items()}
