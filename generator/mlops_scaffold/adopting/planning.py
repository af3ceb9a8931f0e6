"""An adoption, planned: what is added, what both have, what stays. Nothing is written to the repository here."""

from dataclasses import dataclass, field
from typing import Any

from mlops_scaffold.adopting.ignoring import union, without_exceptions
from mlops_scaffold.adopting.looking import Found
from mlops_scaffold.adopting.request import PROPOSED
from mlops_scaffold.adopting.requirements import EMPTY_GROUP, with_legacy
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import folded
from mlops_scaffold.ground.settings import parse_mapping
from mlops_scaffold.planning.local import behind, obstacle, walls
from mlops_scaffold.planning.planned import ADDED, CONFLICT, KEPT, UPDATED, Change
from mlops_scaffold.planning.trees import above
from mlops_scaffold.projects.library import FOLDER
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.conflict_record import RECORD, dump, recorded
from mlops_scaffold.vcs.git import git_bytes, paths_in
from mlops_scaffold.vcs.repository import Blob, Repository
from mlops_scaffold.vcs.scratch import Scratch

IGNORE, ATTRIBUTES, SETTINGS = ".gitignore", ".gitattributes", "pyproject.toml"
PROPOSALS = ".mlops/proposals"
BOTH = "yours stays until you settle it"
FOREIGN_ENDS = ("i/crlf", "i/mixed")


@dataclass
class Adoption:
    """An adoption that can be made: `first` and `second` are the files of its two commits.

    `held` are the files of the template that are not written, each with the reason; `exceptions` the lines of its
    ignore file that would un-ignore something.
    """

    head: str
    version: Version
    answers: dict[str, Any]
    before: dict[str, Blob]
    first: dict[str, Blob]
    second: dict[str, Blob] = field(default_factory=dict)
    conflicts: dict[str, dict[int, Blob]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    legacy_in: bool = False

    @property
    def changes(self) -> list[Change]:
        """Each file that the adoption is about, with its status."""
        found = [Change(path, CONFLICT, BOTH) for path in self.conflicts]
        found += [Change(path, KEPT, reason) for path, reason in self.held.items() if path not in self.conflicts]
        found += [
            Change(path, PROPOSED, f"yours stays; the template's is {place}") for path, place in self.proposals.items()
        ]
        for path, blob in self.second.items():
            if path not in self.before:
                found.append(Change(path, ADDED))
            elif blob != self.before[path]:
                found.append(Change(path, UPDATED, "your lines first, then the template's"))
        return sorted(found, key=lambda one: (one.status, one.path))


def plan(place: Scratch, theirs: Rendered, version: Version, found: Found) -> Adoption:
    """Lay the template beside the last commit. Raises MlopsError for what is in the way, and in no commit."""
    repository = place.repository
    before = dict(found.files)
    rendered = {str(path): entry for path, entry in theirs.tree.files.items()}
    answers = parse_mapping(rendered[theirs.answers_path.as_posix()].content, theirs.answers_path)
    stored = place.store(rendered)
    made = Adoption(repository.head(), version, answers, before, dict(before))
    refuse_own_library(repository, stored)
    made.held = held_back(repository, stored, before, found)
    for path, blob in stored.items():
        if path in before:
            settle(made, theirs, path, blob)
        elif path not in made.held:
            made.first[path] = blob
    if found.package and SETTINGS in made.held:
        made.conflicts[SETTINGS] = {3: stored[SETTINGS]}
    made.second = dict(made.first)
    merge_ignored(made, place, stored)
    text = rendered[SETTINGS].content.decode() if SETTINGS in made.first.keys() - before.keys() else ""
    if EMPTY_GROUP in text:
        made.second[SETTINGS] = Blob("100644", place.hash(with_legacy(text, found.legacy).encode()))
        made.legacy_in = True
    for path, where in made.proposals.items():
        made.second[where] = stored[path]
    if made.conflicts:
        entries = [recorded(path, stages) for path, stages in sorted(made.conflicts.items())]
        made.second[RECORD] = Blob("100644", place.hash(dump(entries, (version.name, version.name), answers, {})))
    return made


def settle(made: Adoption, theirs: Rendered, path: str, blob: Blob) -> None:
    """A file that both have: it stays the person's, and the template's is a conflict, or a proposal beside it."""
    if path == IGNORE or made.before[path] == blob:
        return
    if theirs.is_seed(path):
        where = f"{PROPOSALS}/{path}"
        if where not in made.before:
            made.proposals[path] = where
        return
    made.conflicts[path] = {2: made.before[path], 3: blob}


def held_back(repository: Repository, stored: dict[str, Blob], before: dict[str, Blob], found: Found) -> dict[str, str]:
    """The new files of the template that are not written, each with the reason. Raises MlopsError for an obstacle."""
    ours, folders = walls(before, {}), {folder for path in before for folder in above(path)}
    same_name = {folded(path): path for path in (*before, *folders)}
    new = [path for path in stored if path not in before]
    ignored = repository.ignored(new)
    held: dict[str, str] = {}
    for path in new:
        wall = behind(path, ours)
        there = obstacle(repository.folder, path, set())
        if wall:
            held[path] = f"{wall} is {ours[wall]} of yours"
        elif path in folders:
            held[path] = "it is a folder of yours"
        elif folded(path) in same_name:
            held[path] = f"{same_name[folded(path)]} is a file of yours"
        elif path in ignored or (there and repository.ignored([there])):
            held[path] = "git ignores it here"
        elif there:
            raise in_the_way(there, f"the template's {path}")
    if SETTINGS in new and SETTINGS not in held and found.package:
        held[SETTINGS] = f"{found.package} defines the package, and this file would override it"
    if ATTRIBUTES in new and ATTRIBUTES not in held and has_foreign_ends(repository):
        held[ATTRIBUTES] = "it would change the line ends of files of yours"
    return held


def in_the_way(there: str, path: str) -> MlopsError:
    """The error for a file that nothing is written over."""
    return MlopsError(f"{there} is in the way of {path}.", "Move it elsewhere, then run the command again.")


def require_free(repository: Repository, made: Adoption) -> None:
    """Raise MlopsError where something has the place of what the adoption itself writes, in a commit or not."""
    for path in made.second.keys() - made.first.keys():
        there = obstacle(repository.folder, path, set()) or behind(path, walls(made.before, {}))
        if there:
            raise in_the_way(there, path)


def has_foreign_ends(repository: Repository) -> bool:
    """Whether there are texts with the line ends of Windows in the last commit."""
    said = paths_in(git_bytes("ls-files", "--eol", "-z", cwd=repository.top))
    return any(line.startswith(FOREIGN_ENDS) for line in said)


def refuse_own_library(repository: Repository, stored: dict[str, Blob]) -> None:
    """Raise MlopsError where a person has a folder kit/ of their own, in the place of the library."""
    if (repository.folder / FOLDER).exists() and any(path.startswith(f"{FOLDER}/") for path in stored):
        raise MlopsError(
            f"{FOLDER}/ is a folder of yours, and the template puts its library there.",
            f"Rename yours (git mv {FOLDER} NAME), commit it, then run the command again.",
        )


def merge_ignored(made: Adoption, place: Scratch, stored: dict[str, Blob]) -> None:
    """Give the second commit an ignore file that ignores all that is ignored now."""
    if IGNORE not in stored or IGNORE in made.held:
        return
    theirs = place.read(stored[IGNORE].oid)
    if IGNORE in made.before:
        if not made.before[IGNORE].mode.startswith("100"):
            return
        text, made.exceptions = union(place.read(made.before[IGNORE].oid), theirs)
        made.second[IGNORE] = Blob(made.before[IGNORE].mode, place.hash(text))
        return
    if ignores_something(place.repository):
        text, made.exceptions = without_exceptions(theirs)
        made.first[IGNORE] = made.second[IGNORE] = Blob("100644", place.hash(text))


def ignores_something(repository: Repository) -> bool:
    """Whether git ignores a file that is here."""
    listing = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    return bool(git_bytes(*listing, cwd=repository.top))
