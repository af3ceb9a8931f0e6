"""Files that both sides changed: `git merge-tree`, and what we decide where git leaves it to people."""

import os
from collections.abc import Container, Mapping

from mlops_scaffold.ground.settings import BY_FORMAT
from mlops_scaffold.merging.attributes import read_attributes
from mlops_scaffold.merging.hunks import OURS, THEIRS
from mlops_scaffold.merging.merged import MergedTree, Stages
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch


def merge(scratch: Scratch, both: Mapping[str, Stages], how: str = BY_FORMAT) -> MergedTree:
    """Merge files that both sides have, each in a version of its own. What git leaves in conflict is for `settle`."""
    base, ours, theirs = ({path: found[n] for path, found in both.items() if n in found} for n in (1, 2, 3))
    root = scratch.commit(base)
    left, right = scratch.commit(ours, root), scratch.commit(theirs, root)
    attributes = read_attributes(scratch, both)
    said = scratch.git(*attributes.options, "merge-tree", "--write-tree", "-z", "--no-messages", left, right, fine=1)
    merged = _read(scratch, said, {left: OURS, right: THEIRS})
    if how == BY_FORMAT:
        from mlops_scaffold.merging.settle import settle  # its parsers are loaded only for files that need them

        settle(scratch, merged, both, attributes)
    return merged


def _read(scratch: Scratch, said: bytes, names: Mapping[str, str]) -> MergedTree:
    """What merge-tree did. Conflict markers say `project` and `template` instead of the names of our commits."""
    tree, conflicts = _parse(said)
    merged = MergedTree(scratch.entries(tree), conflicts)
    _one_conflict_a_path(merged, names)
    marked = {path: merged.entries[path] for path in conflicts if merged.entries[path].mode.startswith("100")}
    contents = scratch.contents({blob.oid for blob in marked.values()})
    for path, blob in marked.items():
        content = before = contents[blob.oid]
        for oid, name in names.items():
            content = content.replace(oid.encode(), name.encode())
        if content != before:
            merged.entries[path] = Blob(blob.mode, scratch.hash(content))
    return merged


def _one_conflict_a_path(merged: MergedTree, names: Container[str]) -> None:
    """A file that became a symlink on one side: git writes both, one under another name. Here it is one conflict."""
    for raw in list(merged.conflicts):
        path, _, suffix = raw.rpartition("~")
        if suffix.partition("_")[0] not in names:
            continue
        stages = merged.conflicts[path] = {**merged.conflicts.pop(raw), **merged.conflicts.get(path, {})}
        merged.entries.pop(raw, None)
        merged.entries[path] = stages.get(2, stages[max(stages)])


def _parse(said: bytes) -> tuple[str, dict[str, Stages]]:
    """The tree, and the stages of each conflict by path, of what merge-tree printed."""
    tree, *lines = said.split(b"\0")
    stages: dict[str, Stages] = {}
    for line in filter(None, lines):
        head, path = os.fsdecode(line).split("\t", 1)
        mode, oid, stage = head.split()
        stages.setdefault(path, {})[int(stage)] = Blob(mode, oid)
    return tree.decode(), stages


def whole_file_conflict(scratch: Scratch, ours: bytes, theirs: bytes) -> str:
    """A blob that sets one file against the other as a whole."""
    parts = (b"<<<<<<< " + OURS.encode(), ours.rstrip(b"\n"), b"=======", theirs.rstrip(b"\n"))
    return scratch.hash(b"\n".join((*parts, b">>>>>>> " + THEIRS.encode(), b"")))
