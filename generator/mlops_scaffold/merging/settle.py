"""The files that git left in conflict, or merged into something that is broken, in a merge of trees."""

from collections.abc import Mapping
from pathlib import Path

from mlops_scaffold.git import git_bytes
from mlops_scaffold.merging import hunks
from mlops_scaffold.merging.attributes import Attributes, has_default_driver, shows_base
from mlops_scaffold.merging.by_git import Merged, Stages
from mlops_scaffold.merging.resolve import Resolution, Texts, mend, resolve
from mlops_scaffold.repository import Blob
from mlops_scaffold.scratch import Scratch


def settle(scratch: Scratch, merged: Merged, both: Mapping[str, Stages], attributes: Attributes) -> None:
    """Look at each file that both sides changed. `both` are those, with their stages."""
    if has_default_driver(scratch):
        return
    for path, stages in {**both, **merged.conflicts}.items():
        sides = None if path in attributes.own else texts(scratch, stages)
        if sides is None or path not in merged.entries:
            continue
        if path in merged.conflicts:
            found = resolve(path, sides, lambda given: merge_file(scratch.folder, given))
        else:
            found = mend(path, sides, scratch.read(merged.entries[path].oid).decode())
        if found:
            take(scratch, merged, path, stages, found, attributes.marker_sizes.get(path, 7))


def take(scratch: Scratch, merged: Merged, path: str, stages: Stages, found: Resolution, size: int) -> None:
    """Put a resolution into the merge."""
    mode = merged.entries[path].mode
    if found.settled:
        merged.conflicts.pop(path, None)
        merged.resolved[path] = found
        text = found.text
    else:
        merged.conflicts[path] = stages
        merged.resolved.update({path: found} if found.details else {})
        text = hunks.show(found.parts, size=size, with_base=shows_base(scratch))
    merged.entries[path] = Blob(mode, scratch.hash(text.encode()))


def texts(scratch: Scratch, stages: Stages) -> Texts | None:
    """Base, ours and theirs; None for what is no text, or where a side is missing or the modes are in conflict."""
    modes = [stages[number].mode for number in (1, 2, 3) if number in stages]
    if not {2, 3} <= stages.keys() or any(not mode.startswith("100") for mode in modes) or len(set(modes)) > 1:
        return None
    try:
        base, ours, theirs = (scratch.read(stages[n].oid).decode() if n in stages else "" for n in (1, 2, 3))
    except UnicodeDecodeError:
        return None
    return None if "\0" in base + ours + theirs else (base, ours, theirs)


def merge_file(folder: Path, sides: Texts) -> str:
    """Git's own merge of three texts, with the base in its conflicts. It leaves files in the folder."""
    names = []
    for name, text in zip(("base", "ours", "theirs"), sides, strict=True):
        (folder / name).write_bytes(text.encode())
        names.append(str(folder / name))
    labels = ("-L", hunks.OURS, "-L", "base", "-L", hunks.THEIRS)
    command = ("merge-file", "--stdout", "--diff3", *labels, names[1], names[0], names[2])
    return git_bytes(*command, cwd=folder, fine=127).decode()
