"""The person's own settings for merges: `.gitattributes` (merge=union, -merge, a driver) and git's `merge.*`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mlops_scaffold.vcs.git import git_bytes, settings
from mlops_scaffold.vcs.scratch import Scratch

ASKED = ("merge", "conflict-marker-size")
OUR_DRIVER = "mlops"  # as the documentation names it: the same merge, which an update makes itself and tells


@dataclass(frozen=True)
class Attributes:
    """The paths whose merge is git's alone, and options by which git sees their attributes where it merges trees."""

    options: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    marker_sizes: dict[str, int] = field(default_factory=dict)


def read_attributes(scratch: Scratch, paths: Iterable[str]) -> Attributes:
    """Those of some paths of the project. git merges trees without looking at a work tree, so it must be told."""
    repository = scratch.repository
    names = b"".join(os.fsencode(f"{repository.prefix}{path}") + b"\0" for path in sorted(paths))
    if not names:
        return Attributes()
    said = git_bytes("check-attr", "-z", "--stdin", *ASKED, cwd=repository.top, given=names).split(b"\0")
    lines, own, sizes = [], set(), {}
    for raw, name, value in zip(said[::3], map(os.fsdecode, said[1::3]), map(os.fsdecode, said[2::3]), strict=False):
        path = os.fsdecode(raw).removeprefix(repository.prefix)
        if value in ("unspecified", OUR_DRIVER):
            continue
        lines.append(f"{_pattern(path)} {_setting(name, value)}\n")
        if name == "merge" and value not in ("set", "text"):
            own.add(path)
        if name == "conflict-marker-size" and value.isdigit():
            sizes[path] = int(value)
    if not lines:
        return Attributes()
    file = scratch.folder / "attributes"
    file.write_bytes(os.fsencode("".join(lines)))
    return Attributes(("-c", f"core.attributesFile={file}"), frozenset(own), sizes)


def _pattern(path: str) -> str:
    """A path as a pattern that matches nothing else."""
    plain = "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in path)
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"/{quoted}"'


def _setting(name: str, value: str) -> str:
    return {"set": name, "unset": f"-{name}"}.get(value, f"{name}={value}")


@dataclass(frozen=True)
class MergeSettings:
    """Git's settings for all files: whether each is merged in a way of the person's own, and whether the base shows."""

    has_default_driver: bool
    shows_base: bool


def read_settings(folder: Path) -> MergeSettings:
    """The settings that count in a folder."""
    found = dict(settings(r"^merge\.(default|conflictstyle)$", folder))
    return MergeSettings("merge.default" in found, found.get("merge.conflictstyle") in ("diff3", "zdiff3"))
