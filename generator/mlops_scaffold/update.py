"""`mlops update`, `add`, `remove`: plan a merge of three trees. Nothing is written to the project here.

base is the template as the project last rendered it, theirs as it renders now, ours the project's last commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.files import read_entry
from mlops_scaffold.library import keep_own_files
from mlops_scaffold.merge import Merged, merge, whole_file_conflict
from mlops_scaffold.project import Project
from mlops_scaffold.rendering import Asked, Rendered, render
from mlops_scaffold.repository import GITLINK, Blob, Repository
from mlops_scaffold.scratch import Scratch
from mlops_scaffold.settings import load_settings
from mlops_scaffold.source import Version
from mlops_scaffold.tree import Entry

UPDATED, ADDED, REMOVED, KEPT, CONFLICT = "updated", "added", "removed", "kept", "conflict"


@dataclass(frozen=True)
class Change:
    """What becomes of one file."""

    path: str
    fate: str
    note: str = ""


@dataclass
class Plan:
    """An update that can be made: `result` is the project afterwards, `local` those of it that git ignores."""

    project: Project
    repository: Repository
    older: Version
    newer: Version
    before: dict[str, Blob]
    result: dict[str, Blob]
    conflicts: dict[str, dict[int, Blob]] = field(default_factory=dict)
    local: frozenset[str] = frozenset()
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def touched(self) -> dict[str, Blob | None]:
        """Every path that is written, or (None) removed."""
        paths = self.before.keys() | self.result.keys()
        return {path: self.result.get(path) for path in sorted(paths) if self.before.get(path) != self.result.get(path)}


def render_both(
    project: Project, older: Version, newer: Version, data: Mapping[str, Any], defaults: bool, trust: bool
) -> tuple[Rendered, Rendered]:
    """The template as it was rendered for the project, and as it renders now. Raises MlopsError for a wrong answer."""
    base = render_base(project, older, trust)
    asked = Asked(
        data=data,
        last=project.last,
        user_defaults=load_settings().defaults,
        defaults=defaults,
        skip_answered=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,  # where one would have to run, copier does the update
        operation="update",
    )
    return base, render(newer, project.folder, asked)


def render_base(project: Project, version: Version, trust: bool = False) -> Rendered:
    """The template as the project last rendered it: by its answers, each of which must be a valid one."""
    known = Asked(
        data=project.last,
        defaults=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,
        operation="update",
    )
    try:
        return render(version, project.folder, known)
    except MlopsError as error:
        raise MlopsError(
            f"{project.answers_file} cannot be used: {error.sentence}",
            "Was it edited by hand? Take it back from git's history.",
        ) from None


def plan(
    project: Project,
    scratch: Scratch,
    versions: tuple[Version, Version],
    both: tuple[Rendered, Rendered],
    given: Collection[str] = (),
) -> Plan:
    """Merge, and decide on what is in the way. Raises MlopsError where something untracked is."""
    repository = scratch.repository
    base, theirs = both
    head = repository.head_entries()
    rendered = [{str(path): entry for path, entry in made.tree.files.items()} for made in both]
    seeds = Seeds(project, base, theirs, versions[1])
    on_disk, local = read_untracked(repository, head, rendered)
    ours = {**{path: blob for path, blob in head.items() if blob.mode != GITLINK}, **scratch.store(on_disk)}
    left, right = scratch.store(rendered[0]), scratch.store(rendered[1])
    answers = theirs.answers_path.as_posix()
    left = {**left, answers: ours[answers]} if answers in ours else left
    seeds.settle(left, right, ours)
    merged = merge(scratch, left, ours, right)
    keep_own_files(merged.entries, ours, right)
    seeds.conflict(scratch, merged, left, ours, right)
    made = Plan(project, repository, *versions, ours, merged.entries, merged.conflicts)
    made.local = frozenset(local | (repository.ignored(set(merged.entries) - set(ours))))
    keep_local(made)
    refuse_obstacles(made)
    made.changes = sorted(changes(made, merged, seeds), key=lambda change: (change.fate, change.path))
    made.notices = answers_that_changed(project, theirs, given)
    return made


def read_untracked(
    repository: Repository, head: Mapping[str, Blob], rendered: list[dict[str, Entry]]
) -> tuple[dict[str, Entry], set[str]]:
    """Files of the template's names that are on disk and in no commit; and those of them that git ignores."""
    found: dict[str, Entry] = {}
    for path, theirs in {**rendered[0], **rendered[1]}.items():
        if path not in head:
            entry = read_entry(repository, path, theirs.executable)
            if entry:
                found[path] = entry
    return found, repository.ignored(found)


@dataclass
class Seeds:
    """The files that are the user's once they are rendered."""

    project: Project
    base: Rendered
    theirs: Rendered
    newer: Version
    kept: dict[str, str] = field(default_factory=dict)
    governed: set[str] = field(default_factory=set)

    def settle(self, left: dict[str, Blob], right: dict[str, Blob], ours: Mapping[str, Blob]) -> None:
        """Make seeds equal on both sides of the merge, so that ours stays; they follow where their folder goes."""
        moved = {source: str(path) for path, source in self.base.sources.items()}
        replaced = self._of_changed_answers()
        followed: set[str] = set()
        for path in sorted(path for path in right if self.theirs.is_seed(path)):
            before = moved.get(self.theirs.sources[PurePosixPath(path)], path)
            followed.add(before)
            if before in left and path in replaced:
                self.governed.add(path)
            elif before in left:
                if left[before] != right[path]:
                    self.kept[path] = "yours; the template's has changed"
                self._keep(left, right, ours, before, path)
            elif path in ours:
                self.kept[path] = "yours; the template has one of this name too"
                left[path] = right[path] = ours[path]
        for path in set(left) - set(right) - followed:
            if self.theirs.is_seed(path) and path in ours and left[path] != ours[path]:
                self.kept[path] = "yours; the template has it no more"
                right[path] = left[path]

    @staticmethod
    def _keep(left: dict[str, Blob], right: dict[str, Blob], ours: Mapping[str, Blob], before: str, path: str) -> None:
        if before in ours:
            left[before] = right[path] = ours[before]
        else:
            left.pop(before)
            right.pop(path, None)

    def _of_changed_answers(self) -> set[str]:
        """The seeds that differ because an answer did, and not the template alone."""
        last = self.project.last
        if all(self.theirs.answers.get(key, last[key]) == last[key] for key in last):
            return set()
        as_before = Asked(
            data=self.project.last,
            defaults=True,
            answers_file=self.project.answers_file,
            skip_tasks=True,
            operation="update",
        )
        try:
            same = render(self.newer, self.project.folder, as_before)
        except MlopsError:
            return set()
        now = {str(path): entry for path, entry in self.theirs.tree.files.items()}
        then = {same.sources[path]: entry for path, entry in same.tree.files.items()}
        sources = {str(path): source for path, source in self.theirs.sources.items()}
        return {path for path in now if self.theirs.is_seed(path) and now[path] != then.get(sources[path], now[path])}

    def conflict(
        self,
        scratch: Scratch,
        merged: Merged,
        left: Mapping[str, Blob],
        ours: Mapping[str, Blob],
        right: Mapping[str, Blob],
    ) -> None:
        """A seed of another answer replaces one that nobody edited; an edited one is for a person to decide."""
        for path in self.governed & set(left) & set(ours):
            if ours[path] not in (left[path], right[path]) and path not in merged.conflicts:
                merged.conflicts[path] = {1: left[path], 2: ours[path], 3: right[path]}
                content = whole_file_conflict(scratch, scratch.read(ours[path].oid), scratch.read(right[path].oid))
                merged.entries[path] = Blob(ours[path].mode, content)


def keep_local(made: Plan) -> None:
    """A file that git ignores is never made a conflict: it stays as it is, and is named."""
    for path in made.local & set(made.conflicts):
        del made.conflicts[path]
        if path in made.before:
            made.result[path] = made.before[path]
            made.changes.append(Change(path, KEPT, "ignored by git, and not what the template has"))
    for path in made.local & set(made.before) - set(made.result):
        made.result[path] = made.before[path]


def refuse_obstacles(made: Plan) -> None:
    """Raise for a file that is in the way of a folder, or the reverse, and in no commit."""
    going = {path for path, blob in made.touched.items() if blob is None}
    for path, blob in made.touched.items():
        if blob is None:
            continue
        in_the_way = obstacle(made.repository.folder, path, going)
        if in_the_way:
            raise MlopsError(
                f"{in_the_way} is in the way of the template's {path}, and in no commit.",
                "Move it elsewhere, then run the command again.",
            )


def obstacle(folder: Path, path: str, going: set[str]) -> str:
    """What on disk keeps a path from being written; nothing for a file, which is merged or replaced."""
    for parent in list(PurePosixPath(path).parents)[-2::-1]:
        there = folder / parent
        if (there.is_symlink() or there.is_file()) and str(parent) not in going:
            return str(parent)
    there = folder / path
    if there.is_dir() and not there.is_symlink():
        for file in sorted(there.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if (file.is_symlink() or not file.is_dir()) and name not in going:
                return name
    return ""


def changes(made: Plan, merged: Merged, seeds: Seeds) -> list[Change]:
    """Every file that the update touches, or leaves alone for a reason, with its fate."""
    found = list(made.changes)
    found += [Change(path, CONFLICT, conflict_note(stages)) for path, stages in made.conflicts.items()]
    for path, blob in made.touched.items():
        if path not in made.conflicts:
            fate = REMOVED if blob is None else UPDATED if path in made.before else ADDED
            found.append(Change(path, fate))
    found += [Change(path, KEPT, "deleted by you; the template has changed it") for path in merged.stays_deleted]
    named = {change.path for change in found if change.fate in (KEPT, CONFLICT)}
    found += [Change(path, KEPT, note) for path, note in seeds.kept.items() if path not in named]
    return found


def conflict_note(stages: Mapping[int, Blob]) -> str:
    """What happened, in words."""
    if 3 not in stages:
        return "you changed it, the template removed or moved it"
    if 2 not in stages:
        return "you removed or moved it, the template changed it"
    return "you and the template changed the same lines" if 1 in stages else "you and the template both added it"


def answers_that_changed(project: Project, theirs: Rendered, given: Collection[str]) -> list[str]:
    """Answers that the template no longer takes, though nobody gave another one."""
    kept = project.last
    return [
        f"{key}: the template no longer takes {kept[key]!r}; it is {theirs.answers[key]!r} now."
        for key in kept
        if key not in given and key in theirs.answers and kept[key] != theirs.answers[key]
    ]


def needs_lock(made: Plan, scratch: Scratch) -> bool:
    """Whether uv.lock has to be resolved again: what pyproject.toml asks of packages has changed."""
    import tomllib

    before, after = made.before.get("pyproject.toml"), made.result.get("pyproject.toml")
    if "uv.lock" not in made.result or before is None or after is None or "pyproject.toml" in made.conflicts:
        return False

    def packages(blob: Blob) -> object:
        try:
            read = tomllib.loads(scratch.read(blob.oid).decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
        project = read.get("project", {})
        keys = ("name", "version", "requires-python", "dependencies", "optional-dependencies")
        tool = read.get("tool", {}).get("uv")
        return [project.get(key) for key in keys], read.get("dependency-groups"), tool

    return before != after and packages(before) != packages(after)
