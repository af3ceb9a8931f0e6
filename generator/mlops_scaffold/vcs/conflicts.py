"""Conflicts that are not settled: in the index, as markers in a file, or in the record of those that leave no markers.

A commit of everything (`git add --all`) empties the index's stages. So an update records the conflicts that leave no
markers in a file of the project, which is committed with it. The file in conflict holds the project's side. As long as
it is exactly that, the conflict is not settled; who wants to keep that side removes the record.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.settings import load_yaml
from mlops_scaffold.vcs.git import git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob, Repository

RECORD = ".mlops/conflicts.yml"
HEADER = f"""\
# Conflicts of an update of the template that leave no markers. Each of these files is as the project had it.
# Settle them: mlops update --resume, then git mergetool. Or write another version of the file, or delete it.
# To keep a file as it is, remove its entry. When all are settled: git rm {RECORD}
"""
MARKS = ("<<<<<<<", "=======", ">>>>>>>")  # of the usual size; git's attribute conflict-marker-size says another
STAGES = ("base", "ours", "theirs")


@dataclass(frozen=True)
class Recorded:
    """A conflict without markers: its kind, and the object of each side; empty for a side without the file."""

    path: str
    kind: str
    base: str = ""
    ours: str = ""
    theirs: str = ""


def recorded(path: str, stages: Mapping[int, Blob]) -> Recorded:
    """A conflict by the stages that git has for it: 1 base, 2 ours, 3 theirs."""
    oids = {name: stages[number].oid for number, name in enumerate(STAGES, 1) if number in stages}
    kinds = {blob.mode[:3] for blob in stages.values()}
    kind = "type" if len(kinds) > 1 else "content" if 1 in stages else "both added"
    return Recorded(path, kind if {2, 3} <= stages.keys() else "modify/delete", **oids)


def dump(conflicts: list[Recorded], versions: tuple[str, str], answers: Mapping[str, Any]) -> bytes:
    """The record as a file: also from which version to which, and the answers that the base was rendered from."""
    import yaml

    entries = [{key: value for key, value in asdict(one).items() if value} for one in conflicts]
    content = {"from": versions[0], "to": versions[1], "conflicts": entries, "answers": dict(answers)}
    return (HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)).encode(errors="surrogateescape")


def parse(text: bytes) -> list[Recorded]:
    """The conflicts in a record. Raises MlopsError for a file that is none."""
    import yaml

    try:
        return [Recorded(**one) for one in load_yaml(text.decode())["conflicts"]]
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        step = f"Take it back from git's history, or settle the conflicts and run: git rm {RECORD}"
        raise MlopsError(f"{RECORD} cannot be read.", step) from None


def unsettled(repository: Repository) -> dict[str, str]:
    """The files in conflict, each with the reason. Raises MlopsError for a record that cannot be read."""
    tracked = tracked_entries(repository)
    unmerged = {path for path, stages in tracked.items() if 0 not in stages}
    found = dict.fromkeys(sorted(unmerged), "git has it as unmerged")
    found |= {path: "conflict markers" for path in marked(repository) if path not in found}
    found |= {path: "left over by copier update" for path in tracked if path.endswith(".rej")}
    record = repository.folder / RECORD
    for one in parse(record.read_bytes()) if record.is_file() else ():
        if one.path not in found and is_open(one, tracked.get(one.path, {}).get(0)):
            found[one.path] = f"{one.kind}, in {RECORD}"
    return found


def is_open(conflict: Recorded, now: Blob | None) -> bool:
    """Whether a file is still as the update has left it."""
    return (now.oid if now else "") == conflict.ours


def tracked_entries(repository: Repository) -> dict[str, dict[int, Blob]]:
    """The project's files in git's index, each with its stages; 0 is that of a file in no conflict."""
    found: dict[str, dict[int, Blob]] = {}
    for line in paths_in(git_bytes("ls-files", "--stage", "-z", cwd=repository.folder)):
        head, path = line.split("\t", 1)
        mode, oid, stage = head.split()
        found.setdefault(path, {})[int(stage)] = Blob(mode, oid)
    return found


def marked(repository: Repository) -> list[str]:
    """The tracked files with lines that begin as all three conflict markers do, of the size that git has for the file.

    A page that shows markers says so to git: `docs/merging.md conflict-marker-size=32` in .gitattributes.
    """
    patterns = [word for mark in MARKS for word in ("-e", f"^{mark}")]
    options = ("--files-with-matches", "-z", "-I", "--no-color", "--no-recurse-submodules", "--all-match")
    command = ("-c", "grep.fullName=false", "grep", *options, *patterns)
    paths = paths_in(git_bytes(*command, cwd=repository.folder, fine=1))
    if not paths:
        return []
    given = "\0".join(paths).encode(errors="surrogateescape")
    attribute = ("check-attr", "-z", "--stdin", "conflict-marker-size")
    said = paths_in(git_bytes(*attribute, cwd=repository.folder, given=given))
    sizes = dict(zip(said[::3], said[2::3], strict=True))
    return [path for path, size in sizes.items() if not size.isdigit() or has_marks(repository, path, int(size))]


def has_marks(repository: Repository, path: str, size: int) -> bool:
    """Whether a file has markers of a size."""
    lines = (repository.folder / path).read_bytes().splitlines()
    return all(any(line.startswith(mark[:1].encode() * size + b" ") for line in lines) for mark in (MARKS[0], MARKS[2]))
