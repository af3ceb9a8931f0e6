"""The files that git left in conflict, or merged into something that is broken, in a merge of trees."""

from collections.abc import Mapping
from pathlib import Path

from mlops_scaffold.merging import hunks
from mlops_scaffold.merging.attributes import Attributes, read_settings
from mlops_scaffold.merging.formats import format_of
from mlops_scaffold.merging.merged import MergedTree, Stages
from mlops_scaffold.merging.resolve import Resolution, Texts, mend, resolve
from mlops_scaffold.vcs.git import git_bytes
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch


def settle(scratch: Scratch, merged: MergedTree, both: Mapping[str, Stages], attributes: Attributes) -> None:
    """Look at each file that both sides changed. `both` are those, with their stages."""
    files = {
        path: stages
        for path, stages in {**both, **merged.conflicts}.items()
        if path in merged.entries and path not in attributes.own and can_be_text(stages)
        if path in merged.conflicts or format_of(path)
    }
    if not files:
        return
    settings = read_settings(scratch.repository.top)
    if settings.has_default_driver:
        return
    blobs = [*(blob for stages in files.values() for blob in stages.values()), *map(merged.entries.__getitem__, files)]
    contents = scratch.contents({blob.oid for blob in blobs})
    for path, stages in files.items():
        try:
            base, ours, theirs = (contents[stages[n].oid].decode() if n in stages else "" for n in (1, 2, 3))
            result = contents[merged.entries[path].oid].decode()
        except UnicodeDecodeError:
            continue
        if path in merged.conflicts:
            found = resolve(path, (base, ours, theirs), lambda sides: merge_file(scratch.folder, sides))
        else:
            found = mend(path, (base, ours, theirs), result)
        if found:
            size = attributes.marker_sizes.get(path, 7)
            text = hunks.show(found.parts, size=size, with_base=settings.shows_base)
            take(scratch, merged, path, stages, found, text)


def take(scratch: Scratch, merged: MergedTree, path: str, stages: Stages, found: Resolution, text: str) -> None:
    """Put a resolution into the merge."""
    if found.settled:
        merged.conflicts.pop(path, None)
        merged.resolved[path] = found
    else:
        merged.conflicts[path] = stages
        merged.resolved.update({path: found} if found.details else {})
    merged.entries[path] = Blob(merged.entries[path].mode, scratch.hash(text.encode()))


def can_be_text(stages: Stages) -> bool:
    """Whether both sides have a file, and agree on its mode."""
    modes = {blob.mode for blob in stages.values()}
    return {2, 3} <= stages.keys() and len(modes) == 1 and modes.pop().startswith("100")


def merge_file(folder: Path, sides: Texts) -> str:
    """Git's own merge of three texts, with the base in its conflicts. It leaves files in the folder."""
    names = []
    for name, text in zip(("base", "ours", "theirs"), sides, strict=True):
        (folder / name).write_bytes(text.encode())
        names.append(str(folder / name))
    labels = ("-L", hunks.OURS, "-L", "base", "-L", hunks.THEIRS)
    command = (
        "merge-file",
        "--stdout",
        "--diff3",
        f"--marker-size={hunks.SIZE}",
        *labels,
        names[1],
        names[0],
        names[2],
    )
    return git_bytes(*command, cwd=folder, fine=127).decode()
