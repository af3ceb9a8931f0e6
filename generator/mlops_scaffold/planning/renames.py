"""Files that were moved, followed on both sides of a merge before git sees it.

git takes two files for one by their likeness, and follows whole folders. That sends a change into a look-alike, and
moves files that only live beside another. So the merge itself follows nothing. Here the template's side comes from its
sources at both versions, and the person's side from git, for files that are all but equal.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

from mlops_scaffold.planning.trees import above
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.files import read_source
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch

ALIKE = "98%"  # a licence with another name in it is a look-alike: 97 %
NAMESAKE = "70%"  # the template's own, where it keeps its name in another folder
TELLING = 32  # bytes: shorter files are alike by chance


@dataclass
class Sides:
    """The three trees of a merge under common names, and each move that was followed: the old name by the new one."""

    base: dict[str, Blob]
    ours: dict[str, Blob]
    theirs: dict[str, Blob]
    by_template: dict[str, str] = field(default_factory=dict)
    by_person: dict[str, str] = field(default_factory=dict)
    with_folder: dict[str, str] = field(default_factory=dict)

    @property
    def moved(self) -> set[str]:
        """The new names of files that are moved in the project."""
        return {*self.by_template, *self.with_folder}

    def note(self, path: str) -> str:
        """What to tell of a path that was moved."""
        if path in self.by_person:
            return f"moved by you: the template's {self.by_person[path]}"
        if path in self.by_template:
            return f"moved from {self.by_template[path]}"
        return f"moved with its folder from {self.with_folder[path]}" if path in self.with_folder else ""


@dataclass(frozen=True)
class Follower:
    """What it takes to follow moves; `taken` says whether a local file has a name already."""

    scratch: Scratch
    versions: tuple[Version, Version]
    both: tuple[Rendered, Rendered]
    taken: Callable[[str], bool]

    def follow(self, base: Mapping[str, Blob], ours: Mapping[str, Blob], theirs: Mapping[str, Blob]) -> Sides:
        """Bring the files that were moved under one name on all three sides."""
        sides = Sides(dict(base), dict(ours), dict(theirs))
        by_answer = self._same_source(sides)
        folders = moved_folders(by_answer, sides)
        moves = {**by_answer, **self._moved_source(sides)}
        local = self.scratch.repository.ignored(moves.keys() - sides.ours.keys())  # never was in git: no deletion
        for old, new in moves.items():
            if (old in sides.ours and new in sides.ours) or old in local or self.taken(new):
                continue  # both names are the person's, or one of them is a local file's
            sides.base[new] = sides.base.pop(old)
            if old in sides.ours:  # else it is deleted, or moved to the same place
                sides.ours[new] = sides.ours.pop(old)
                sides.by_template[new] = old
        self._own_files(sides, folders)
        for old, new in self._by_person(sides).items():
            sides.base[new] = sides.base.pop(old)
            sides.theirs[new] = sides.theirs.pop(old)
            sides.by_person[new] = sides.by_template.pop(old, old)
        return sides

    def _sources(self, sides: Sides) -> tuple[dict[str, str], dict[str, str]]:
        """The sources of what the template has no more, and of what it has anew: source -> path, each of one path."""
        before, after = ({str(path): source for path, source in made.sources.items()} for made in self.both)
        gone = {path: before[path] for path in sides.base.keys() - sides.theirs.keys() if path in before}
        come = {path: after[path] for path in sides.theirs.keys() - sides.base.keys() if path in after}
        return once(gone), once(come)

    def _same_source(self, sides: Sides) -> dict[str, str]:
        """Files of one source that are rendered elsewhere: an answer names their folder."""
        gone, come = self._sources(sides)
        return {gone[source]: come[source] for source in gone.keys() & come.keys()}

    def _moved_source(self, sides: Sides) -> dict[str, str]:
        """Files whose source has moved in the template."""
        older, newer = self.versions
        gone, come = self._sources(sides)
        if older.commit == newer.commit:
            return {}
        same = gone.keys() & come.keys()
        before = {path: read_source(older.folder / source) for source, path in gone.items() if source not in same}
        after = {path: read_source(newer.folder / source) for source, path in come.items() if source not in same}
        if not before or not after:
            return {}
        left, right = self.scratch.store(before), self.scratch.store(after)
        found = self._alike(left, right)
        left = {path: blob for path, blob in left.items() if path not in found}
        right = {path: blob for path, blob in right.items() if path not in found.values()}
        namesakes = self._alike(left, right, NAMESAKE)
        return found | {old: new for old, new in namesakes.items() if name_of(old) == name_of(new)}

    def _own_files(self, sides: Sides, folders: Mapping[str, str]) -> None:
        """A person's own files go where the answer sends their folder."""
        for path in sorted(sides.ours.keys() - sides.base.keys()):
            folder = next((parent for parent in above(path) if parent in folders), None)
            if folder is None:
                continue
            new = folders[folder] + path.removeprefix(folder)
            if new not in sides.ours and new not in sides.theirs and not self.taken(new):
                sides.ours[new] = sides.ours.pop(path)
                sides.with_folder[new] = path

    def _by_person(self, sides: Sides) -> dict[str, str]:
        """The template's changed files that the person has under another name, in this project."""
        gone = {
            path: blob
            for path, blob in sides.base.items()
            if path not in sides.ours and sides.theirs.get(path, blob) != blob
        }
        if not gone:
            return {}
        others = other_projects(sides.ours)
        come = {
            path: blob
            for path, blob in sides.ours.items()
            if path not in sides.base and path not in sides.theirs and not others.intersection(above(path))
        }
        return self._alike(gone, come)

    def _alike(self, gone: Mapping[str, Blob], come: Mapping[str, Blob], alike: str = ALIKE) -> dict[str, str]:
        """Pairs of files that are all but equal; what is there twice, or is hardly anything, tells nothing."""
        sizes = self.scratch.sizes({blob.oid for blob in gone.values()})
        told = {path: blob for path, blob in gone.items() if sizes[blob.oid] >= TELLING}
        return self.scratch.renamed(unique(told), unique(come), alike)


def moved_folders(moves: Mapping[str, str], sides: Sides) -> dict[str, str]:
    """The folders that an answer has renamed: all that the template has of them is elsewhere now."""
    found: dict[str, set[str]] = {}
    for old, new in moves.items():
        before, after = list(PurePosixPath(old).parts), list(PurePosixPath(new).parts)
        tail = 0
        while before and after and before[-1] == after[-1]:
            before.pop()
            after.pop()
            tail += 1
        if tail and before and after:
            found.setdefault("/".join(before), set()).add("/".join(after))
    stays = {parent for path in sides.theirs for parent in above(path)}
    return {old: min(new) for old, new in found.items() if len(new) == 1 and old not in stays}


def other_projects(ours: Mapping[str, Blob]) -> set[str]:
    """The folders of other projects inside this one."""
    found = {str(path.parent) for path in map(PurePosixPath, ours) if fnmatch(path.name, ".copier-answers*.y*ml")}
    return found - {"."}


def name_of(path: str) -> str:
    """A file's name without its folders."""
    return PurePosixPath(path).name


def once(sources: Mapping[str, str]) -> dict[str, str]:
    """The path of each source that has one alone."""
    count = Counter(sources.values())
    return {source: path for path, source in sources.items() if count[source] == 1}


def unique(blobs: Mapping[str, Blob]) -> dict[str, Blob]:
    """The files whose content no other one has."""
    count = Counter(blob.oid for blob in blobs.values())
    return {path: blob for path, blob in blobs.items() if count[blob.oid] == 1}
