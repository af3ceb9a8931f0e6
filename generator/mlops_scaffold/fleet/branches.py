"""Our branch in a repository: one commit on its default branch, which says of itself that nobody else has made it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlops_scaffold.fleet.line import Line
from mlops_scaffold.fleet.objects import Objects, build_tree, write_object
from mlops_scaffold.ground.errors import shown
from mlops_scaffold.vcs.conflict_record import RECORD, parse
from mlops_scaffold.vcs.git import git, signs
from mlops_scaffold.vcs.repository import Blob, Entries

TRAILER = re.compile(rb"^Mlops-Fleet: tree=(?P<tree>[0-9a-f]+) parent=(?P<parent>[0-9a-f]+)$", re.MULTILINE)
Touched = Mapping[str, Blob | None]  # by path in the repository; None for a file that goes


@dataclass(frozen=True)
class Branch:
    """The branch as it is there: its commit, the files, and what it changes."""

    commit: str
    is_ours: bool
    files: Entries
    touched: Touched

    def conflicts(self, objects: Objects, path: str) -> list[dict[str, str]]:
        """The conflicts that it leaves in a project, each with its kind."""
        blob = self.files.get(str(PurePosixPath(path, RECORD)))
        found = parse(objects.blob(blob.oid)).conflicts if blob else ()
        return [{"path": one.path, "kind": one.kind} for one in found]


def read_branch(objects: Objects, commit: str) -> Branch:
    """Read it. It is ours where the commit is as we made it: a changed tree or another parent is somebody's work."""
    files = objects.entries(commit)
    found = objects.find(commit)
    head, _, message = found[2].partition(b"\n\n") if found else (b"", b"", b"")
    trailer = TRAILER.search(message)
    parents = re.findall(rb"^parent ([0-9a-f]+)$", head, re.MULTILINE)
    tree = re.search(rb"^tree ([0-9a-f]+)$", head, re.MULTILINE)
    if not (trailer and tree and parents == [trailer["parent"]] and tree[1] == trailer["tree"]):
        return Branch(commit, False, files, {})
    return Branch(commit, True, files, changes(objects.entries(parents[0].decode()), files))


def changes(before: Entries, after: Entries) -> dict[str, Blob | None]:
    """The files that differ."""
    return {path: after.get(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def make_commit(clone: Path, head: str, files: Entries, touched: Touched, subject: str, lines: list[Line]) -> str:
    """Commit changes on top of a commit of a clone. It is signed where git's own settings say so."""
    after = {**files, **{path: blob for path, blob in touched.items() if blob}}
    after = {path: blob for path, blob in after.items() if touched.get(path, blob)}
    longer = len(head) == 64
    tree = build_tree(after, lambda kind, content: write_object(clone / "objects", kind, content, longer))
    message = clone / "mlops-message"
    message.write_text(f"{message_of(subject, lines)}\n\nMlops-Fleet: tree={tree} parent={head}\n", encoding="utf-8")
    sign = ["-S"] if signs(clone) else []
    return git("commit-tree", tree, "-p", head, "-F", str(message), *sign, cwd=clone)


def message_of(subject: str, lines: list[Line]) -> str:
    """What the commit says: a subject, and the projects where they are folders."""
    parts = [subject, ""]
    parts += [f"{line.path}: {line.versions}" for line in lines]
    for line in lines:
        parts += [f"Conflict, the project's side is kept: {full(line, one['path'])}" for one in line.conflicts]
    return "\n".join(parts)


def full(line: Line, path: str) -> str:
    """A project's path as its repository has it, in one line of text."""
    return shown(path if line.path == "." else f"{line.path}/{path}").replace("\n", "\\n")
