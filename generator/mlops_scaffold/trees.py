"""Three trees, path by path: what has come or gone is plain, and git merges what is on both sides.

So git sees no file that has gone, and takes none for another.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from mlops_scaffold.merging.by_git import BY_FORMAT, merge
from mlops_scaffold.merging.merged import MergedTree
from mlops_scaffold.repository import Blob
from mlops_scaffold.scratch import Scratch

Entries = Mapping[str, Blob]


def combine(scratch: Scratch, base: Entries, ours: Entries, theirs: Entries, how: str = BY_FORMAT) -> MergedTree:
    """Merge. A file that the project deleted stays deleted; one that the template removed and somebody edited stays."""
    plain = MergedTree({})
    contested = []
    folders = {parent for path in theirs for parent in above(path)}
    for path in sorted(base.keys() | ours.keys() | theirs.keys()):
        before, mine, new = base.get(path), ours.get(path), theirs.get(path)
        if mine == new or before == new:
            chosen = mine
        elif mine and new:
            contested.append(path)
            continue
        elif before == mine:
            chosen = new
        else:
            chosen = mine
            if before and mine and path in folders:
                plain.conflicts[path] = {1: before, 2: mine}  # the template has a folder in its place
            else:
                (plain.stays if before and mine else plain.stays_deleted).append(path)
        if chosen:
            plain.entries[path] = chosen
    sides = [{path: side[path] for path in contested if path in side} for side in (base, ours, theirs)]
    merged = merge(scratch, sides[0], sides[1], sides[2], how)
    merged.entries |= plain.entries
    merged.conflicts |= plain.conflicts
    merged.stays += plain.stays
    merged.stays_deleted += plain.stays_deleted
    return merged


def give_way(merged: MergedTree, ours: Entries) -> dict[str, str]:
    """Take out what the template adds where the project has a file for a folder, or the reverse. Says why, by path."""
    files = merged.entries.keys() & ours.keys()
    folders = {parent for path in files for parent in above(path)}
    kept = {}
    for path in merged.entries.keys() - ours.keys():
        wall = next((parent for parent in above(path) if parent in files), "")
        if wall or path in folders:
            kept[path] = f"not written: {wall} is a file of yours" if wall else "not written: it is a folder of yours"
            del merged.entries[path]
    return kept


def above(path: str) -> list[str]:
    """The folders that a path is in, the nearest first."""
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]
