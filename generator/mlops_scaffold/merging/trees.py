"""Three trees into one: `git merge-tree`, and what we decide where git leaves it to people."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_scaffold.repository import Blob
from mlops_scaffold.scratch import Scratch

OURS, THEIRS = "project", "template"  # what the conflict markers say
GONE = {"CONFLICT (modify/delete)", "CONFLICT (rename/delete)"}

Stages = dict[int, Blob]  # 1 base, 2 ours, 3 theirs


@dataclass
class Merged:
    """The merged files; conflicts by path with their stages; and what the project had deleted and stays deleted."""

    entries: dict[str, Blob]
    conflicts: dict[str, Stages] = field(default_factory=dict)
    stays_deleted: list[str] = field(default_factory=list)


def merge(scratch: Scratch, base: Mapping[str, Blob], ours: Mapping[str, Blob], theirs: Mapping[str, Blob]) -> Merged:
    """Merge. A file that the project deleted stays deleted; whatever else git cannot merge is a conflict."""
    if base == theirs:
        return Merged(dict(ours))
    root = _commit(scratch, base)
    left, right = _commit(scratch, ours, root), _commit(scratch, theirs, root)
    said = scratch.git("merge-tree", "--write-tree", "-z", "--messages", left, right, fine=1)
    names = {left: OURS, right: THEIRS}
    tree, stages, kinds = _parse(said)
    merged = Merged({_named(path, names): blob for path, blob in scratch.entries(tree).items()})
    for raw, found in stages.items():
        path = _named(raw, names)
        if set(found) == {1, 3} and kinds.get(raw, set()) <= GONE:
            merged.entries.pop(path, None)
            merged.stays_deleted.append(path)
            continue
        merged.conflicts[path] = found
        if path in merged.entries:
            merged.entries[path] = _relabelled(scratch, merged.entries[path], names)
    return merged


def _commit(scratch: Scratch, entries: Mapping[str, Blob], parent: str = "") -> str:
    options = ["-p", parent] if parent else []
    return scratch.git("commit-tree", scratch.tree(entries), *options, given=b"merge").decode().strip()


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
