"""Three trees into one: `git merge-tree`, and what we decide where git leaves it to people."""

import os
from collections.abc import Mapping

from mlops_scaffold.merging.attributes import read_attributes
from mlops_scaffold.merging.hunks import OURS, THEIRS
from mlops_scaffold.merging.merged import MergedTree, Stages
from mlops_scaffold.repository import Blob
from mlops_scaffold.scratch import Scratch

GONE = {"CONFLICT (modify/delete)", "CONFLICT (rename/delete)"}
BY_FORMAT, TEXT = "format", "text"  # how: with what is known of each file's format, or as git alone does


def merge(
    scratch: Scratch,
    base: Mapping[str, Blob],
    ours: Mapping[str, Blob],
    theirs: Mapping[str, Blob],
    how: str = BY_FORMAT,
) -> MergedTree:
    """Merge. What one side removed and the other changed is as the project has it; all else is for `settle`."""
    if base == theirs:
        return MergedTree(dict(ours))
    root = _commit(scratch, base)
    left, right = _commit(scratch, ours, root), _commit(scratch, theirs, root)
    both = {
        path: {1: base[path], 2: ours[path], 3: theirs[path]} if path in base else {2: ours[path], 3: theirs[path]}
        for path in ours.keys() & theirs.keys()
        if base.get(path) not in (ours[path], theirs[path]) and ours[path] != theirs[path]
    }
    attributes = read_attributes(scratch, both)
    said = scratch.git(*attributes.options, "merge-tree", "--write-tree", "-z", "--messages", left, right, fine=1)
    merged = _read(scratch, said, {left: OURS, right: THEIRS})
    if how == BY_FORMAT and (both or merged.conflicts):
        from mlops_scaffold.merging.settle import settle  # its parsers are loaded only for a file that needs them

        settle(scratch, merged, both, attributes)
    return merged


def _commit(scratch: Scratch, entries: Mapping[str, Blob], parent: str = "") -> str:
    options = ["-p", parent] if parent else []
    return scratch.git("commit-tree", scratch.tree(entries), *options, given=b"merge").decode().strip()


def _read(scratch: Scratch, said: bytes, names: Mapping[str, str]) -> MergedTree:
    """What merge-tree did, in our words."""
    tree, stages, kinds = _parse(said)
    merged = MergedTree({_named(path, names): blob for path, blob in scratch.entries(tree).items()})
    _one_conflict_a_path(merged, stages, kinds, names)
    for raw, found in stages.items():
        path = _named(raw, names)
        if set(found) == {1, 3} and kinds.get(raw, set()) <= GONE:
            merged.entries.pop(path, None)
            merged.stays_deleted.append(path)
            continue
        if set(found) == {1, 2} and kinds.get(raw, set()) <= GONE:
            merged.entries[path] = found[2]
            merged.stays.append(path)
            continue
        merged.conflicts[path] = found
        if path in merged.entries:
            merged.entries[path] = _relabelled(scratch, merged.entries[path], names)
    return merged


def _one_conflict_a_path(
    merged: MergedTree, stages: dict[str, Stages], kinds: dict[str, set[str]], names: Mapping[str, str]
) -> None:
    """A file that became a symlink on one side: git writes both, one under another name. Here it is one conflict."""
    for raw in list(stages):
        path, _, suffix = raw.rpartition("~")
        is_folder = any(name.startswith(f"{path}/") for name in merged.entries)
        if suffix.partition("_")[0] not in names or is_folder:
            continue
        both = {**stages.pop(raw), **stages.get(path, {})}
        stages[path] = both
        kinds[path] = kinds.get(path, set()) | kinds.pop(raw, set())
        merged.entries.pop(_named(raw, names), None)
        merged.entries[path] = both.get(2, both[max(both)])


def _parse(said: bytes) -> tuple[str, dict[str, Stages], dict[str, set[str]]]:
    """The tree, the stages and the kinds of conflict, by path, of what merge-tree printed."""
    parts = said.split(b"\0")
    tree, rest = parts[0].decode(), iter(parts[1:])
    stages: dict[str, Stages] = {}
    for part in rest:
        if not part:
            break
        head, path = os.fsdecode(part).split("\t", 1)
        mode, oid, stage = head.split()
        stages.setdefault(path, {})[int(stage)] = Blob(mode, oid)
    kinds: dict[str, set[str]] = {}
    for count in rest:
        if not count.isdigit():
            break
        paths = [os.fsdecode(next(rest)) for _ in range(int(count))]
        kind = next(rest).decode()
        next(rest)  # the sentence
        if kind.startswith("CONFLICT"):
            for path in paths:
                kinds.setdefault(path, set()).add(kind)
    return tree, stages, kinds


def _named(path: str, names: Mapping[str, str]) -> str:
    for oid, name in names.items():
        path = path.replace(oid, name)
    return path


def _relabelled(scratch: Scratch, blob: Blob, names: Mapping[str, str]) -> Blob:
    """Conflict markers that say `project` and `template` instead of the names of our commits."""
    content = before = scratch.read(blob.oid) if blob.mode.startswith("100") else b""
    for oid, name in names.items():
        content = content.replace(oid.encode(), name.encode())
    return Blob(blob.mode, scratch.hash(content)) if content != before else blob


def whole_file_conflict(scratch: Scratch, ours: bytes, theirs: bytes) -> str:
    """A blob that sets one file against the other as a whole."""
    parts = (b"<<<<<<< " + OURS.encode(), ours.rstrip(b"\n"), b"=======", theirs.rstrip(b"\n"))
    return scratch.hash(b"\n".join((*parts, b">>>>>>> " + THEIRS.encode(), b"")))
