"""Three trees, path by path: what one side alone has changed is plain, and git merges what both have.

So git sees no file that has gone, and takes none for another.
"""

from collections.abc import Mapping

from mlops_scaffold.ground.settings import BY_FORMAT
from mlops_scaffold.merging.by_git import merge
from mlops_scaffold.merging.merged import MergedTree, Stages
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch

Entries = Mapping[str, Blob]


def combine(scratch: Scratch, base: Entries, ours: Entries, theirs: Entries, how: str = BY_FORMAT) -> MergedTree:
    """Merge. A file that the project deleted stays deleted; one that the template removed and somebody edited stays."""
    merged = MergedTree({})
    contested: dict[str, Stages] = {}
    folders = {parent for path in theirs for parent in above(path)}
    for path in sorted(base.keys() | ours.keys() | theirs.keys()):
        before, mine, new = base.get(path), ours.get(path), theirs.get(path)
        if mine == new or before == new:
            chosen = mine
        elif before == mine:
            chosen = new
        elif mine and new:
            contested[path] = {1: before, 2: mine, 3: new} if before else {2: mine, 3: new}
            continue
        else:
            chosen = mine
            if before and mine and path in folders:
                merged.conflicts[path] = {1: before, 2: mine}  # the template has a folder in its place
            else:
                (merged.stays if before and mine else merged.stays_deleted).append(path)
        if chosen:
            merged.entries[path] = chosen
    if contested:
        both = merge(scratch, contested, how)
        merged.entries |= both.entries
        merged.conflicts |= both.conflicts
        merged.resolved = both.resolved
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
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
