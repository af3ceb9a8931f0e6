"""Conflicts that are not settled: in the index, as markers in a file, or in the record of those that leave no markers.

A commit of everything (`git add --all`) empties the index's stages. So an update records the conflicts that leave no
markers in a file of the project, which is committed with it. The file in conflict holds the project's side. As long as
it is exactly that, the conflict is not settled; who wants to keep that side removes the record.
"""

from mlops_scaffold.vcs.conflict_record import RECORD, is_open, parse
from mlops_scaffold.vcs.git import git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob, Repository

MARKS = ("<<<<<<<", "=======", ">>>>>>>")  # of the usual size; git's attribute conflict-marker-size says another


def unsettled(repository: Repository) -> dict[str, str]:
    """The files in conflict, each with the reason. Raises MlopsError for a record that cannot be read."""
    tracked = tracked_entries(repository)
    unmerged = {path for path, stages in tracked.items() if 0 not in stages}
    found = dict.fromkeys(sorted(unmerged), "git has it as unmerged")
    found |= {path: "conflict markers" for path in marked(repository) if path not in found}
    found |= {path: "left over by copier update" for path in tracked if path.endswith(".rej")}
    record = repository.folder / RECORD
    for one in parse(record.read_bytes()).conflicts if record.is_file() else ():
        if one.path not in found and is_open(one, tracked.get(one.path, {}).get(0)):
            found[one.path] = f"{one.kind}, in {RECORD}"
    return found


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
