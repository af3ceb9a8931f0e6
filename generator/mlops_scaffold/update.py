"""`mlops update`, `add`, `remove`: plan a merge of three trees. Nothing is written to the project here.

base is the template as the project last rendered it, theirs as it renders now, ours the project's last commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from mlops_scaffold.errors import MlopsError, Untrusted
from mlops_scaffold.files import present
from mlops_scaffold.local import KINDS, already_there, behind, obstacle, obstacles, walls
from mlops_scaffold.merging.by_git import BY_FORMAT, whole_file_conflict
from mlops_scaffold.merging.merged import MergedTree
from mlops_scaffold.project import Project
from mlops_scaffold.renames import Follower, Sides
from mlops_scaffold.rendering import Asked, Rendered, questions, render
from mlops_scaffold.repository import GITLINK, Blob, Repository
from mlops_scaffold.scratch import Scratch
from mlops_scaffold.settings import load_settings
from mlops_scaffold.source import Version
from mlops_scaffold.tasks import AFTER, BEFORE, Tasks
from mlops_scaffold.tree import Entry
from mlops_scaffold.trees import combine, give_way

if TYPE_CHECKING:
    from mlops_scaffold.merging.resolve import Resolution

UPDATED, ADDED, REMOVED, KEPT, CONFLICT = "updated", "added", "removed", "kept", "conflict"
STAYS = "changed by you; the template removed it"
LOCK = "uv.lock"
LOCKED = "yours for now: settle pyproject.toml, then run uv lock && git add uv.lock"


@dataclass(frozen=True)
class Change:
    """What becomes of one file."""

    path: str
    fate: str
    note: str = ""


@dataclass
class Plan:
    """An update that can be made: `result` is the project afterwards.

    `head` is the commit that it was planned on. `local` are the new files that git ignores, `there` those that are on
    disk already, `in_the_way` what is there instead.
    """

    project: Project
    repository: Repository
    head: str
    older: Version
    newer: Version
    before: dict[str, Blob]
    result: dict[str, Blob]
    conflicts: dict[str, dict[int, Blob]] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    in_the_way: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    resolved: "dict[str, Resolution]" = field(default_factory=dict)

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
        last=usable(project.last, newer),
        user_defaults=load_settings().defaults,
        defaults=defaults,
        skip_answered=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,  # they run in a copy of what is merged
        operation="update",
    )
    return base, render(newer, project.folder, asked)


def render_base(project: Project, version: Version, trust: bool = False) -> Rendered:
    """The template as the project last rendered it: by its answers, each of which must be a valid one."""
    known = Asked(
        data=usable(project.last, version),
        defaults=True,
        answers_file=project.answers_file,
        trust=trust,
        skip_tasks=True,
        operation="update",
    )
    try:
        return render(version, project.folder, known)
    except Untrusted:
        raise
    except MlopsError as error:
        raise MlopsError(
            f"{project.answers_file} cannot be used: {error.sentence}",
            "Was it edited by hand? Take it back from git's history.",
        ) from None


def usable(last: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The answers, each of them one: older copiers have recorded null where a word is asked for.

    The default stands in for it; where there is none, a word is empty.
    """
    if None not in last.values():
        return dict(last)
    asked, found = questions(version), dict(last)
    for key in [key for key, value in last.items() if value is None]:
        details = asked.get(key)
        default = details.get("default") if isinstance(details, Mapping) else None
        kind = details.get("type", type(default).__name__) if isinstance(details, Mapping) else "yaml"
        if kind not in ("str", "path", "int", "float", "bool"):
            continue  # null is an answer
        del found[key]
        if default is None and kind in ("str", "path"):
            found[key] = ""
    return found


def plan(
    project: Project,
    scratch: Scratch,
    versions: tuple[Version, Version],
    both: tuple[Rendered, Rendered],
    given: Collection[str] = (),
    tasks: Tasks | None = None,
    how: str = BY_FORMAT,
) -> Plan:
    """Merge what is committed, and decide on what is on disk besides."""
    repository = scratch.repository
    base, theirs = both
    commit = repository.head()
    head = repository.entries_of(commit)
    before = {path: blob for path, blob in head.items() if blob.mode != GITLINK}
    rendered = [{str(path): entry for path, entry in made.tree.files.items()} for made in both]
    ours = {**before, **take_attributes(scratch, rendered[0], before, rendered[1])}
    left, right = map(scratch.store, rendered)
    kept = leave_out(walls(head, left), left, right)
    answers = theirs.answers_path.as_posix()
    if answers not in ours:
        raise MlopsError(f"{answers} is in no commit.", "Commit it, then run the command again.")
    left = {**left, answers: ours[answers]}
    seeds = Seeds(project, base, theirs, versions[1])
    seeds.settle(left, right, ours)
    tracked = set(head)
    follower = Follower(scratch, versions, both, lambda path: bool(obstacle(repository.folder, path, tracked)))
    migrated = tasks.run(scratch, ours, BEFORE) if tasks else ours
    sides = follower.follow(left, migrated, right)
    merged = combine(scratch, sides.base, sides.ours, sides.theirs, how)
    kept |= give_way(merged, sides.ours)
    seeds.conflict(scratch, merged, sides.base, sides.ours, sides.theirs)
    made = Plan(project, repository, commit, *versions, before, merged.entries, merged.conflicts)
    if tasks:
        changed = tasks.run(scratch, merged.entries, AFTER)
        made.result = changed | {path: merged.entries[path] for path in merged.conflicts if path in merged.entries}
    kept |= settle_local(made, scratch, sides, seeds)
    kept |= {path: not_in_git(repository, path) for path in merged.stays_deleted} | dict.fromkeys(merged.stays, STAYS)
    settle_lock_file(made)
    made.changes = sorted(changes(made, sides, {**seeds.kept, **kept}), key=lambda one: (one.fate, one.path))
    made.notices = answers_that_changed(project, theirs, given) + (tasks.notices if tasks else [])
    made.resolved = {path: one for path, one in merged.resolved.items() if one.settled != (path in made.conflicts)}
    return made


def take_attributes(
    scratch: Scratch, base: Mapping[str, Entry], ours: Mapping[str, Blob], theirs: Mapping[str, Entry]
) -> dict[str, Blob]:
    """Have files stored by the attributes as they will be. Gives back the project's own, where these change."""
    named = [{path: files[path] for path in files if path.endswith(".gitattributes")} for files in (base, theirs)]
    if named[0] == named[1]:
        return {}
    left, right = map(scratch.store, named)
    merged = combine(scratch, left, {path: ours[path] for path in (*left, *right) if path in ours}, right)
    scratch.attributes = {path: blob for path, blob in merged.entries.items() if path not in merged.conflicts}
    return scratch.as_added({path: blob for path, blob in ours.items() if path in base or path in theirs})


def leave_out(found: Mapping[str, str], left: dict[str, Blob], right: dict[str, Blob]) -> dict[str, str]:
    """Take what is behind a link, a file or a submodule of the person's out of the merge. Gives back what to tell."""
    kept = {}
    for path in left.keys() | right.keys():
        wall = behind(path, found) or (path if found.get(path) == KINDS[GITLINK] else "")
        if wall:
            before, after = left.pop(path, None), right.pop(path, None)
            if after and after != before:
                kept[path] = f"not written: {wall} is {found[wall]} of yours"
    return kept


def settle_local(made: Plan, scratch: Scratch, sides: Sides, seeds: "Seeds") -> dict[str, str]:
    """What is on disk and in no commit stays as it is. Gives back what to tell of what git ignores, or is the user's.

    Whatever else is in the way is for a person to move: it is noted in the plan.
    """
    repository = made.repository
    new = {path: blob for path, blob in made.touched.items() if blob is not None and path not in made.before}
    going = {path for path, blob in made.touched.items() if blob is None}
    found = obstacles(repository, new, going)
    made.there = already_there(scratch, new, found)
    ignored = repository.ignored({*found.values(), *(new.keys() - found.keys())})
    kept = {}
    for path, there in found.items():
        if path in made.there:
            continue
        if path in sides.moved or not (there in ignored or seeds.theirs.is_seed(path)):
            made.in_the_way[path] = there
            continue
        del made.result[path]
        made.conflicts.pop(path, None)
        whose = "ignored by git" if there in ignored else "yours"
        kept[path] = f"{whose}, and not what the template has" if there == path else f"{there} is in its place"
    made.local = {path for path in made.result.keys() & ignored if path in new and path not in sides.moved}
    return kept


def not_in_git(repository: Repository, path: str) -> str:
    """What to tell of a file that the template has changed, and the project has in no commit."""
    if present(repository.folder / path):
        return "in no commit; the template has changed it"
    return "deleted by you; the template has changed it"


def refuse_obstacles(made: Plan) -> None:
    """Raise for what is in the way, and in no commit."""
    for path, there in sorted(made.in_the_way.items()):
        more = f", and {len(made.in_the_way) - 1} more" if len(made.in_the_way) > 1 else ""
        raise MlopsError(
            f"{there} is in the way of the template's {path}, and in no commit{more}.",
            "Commit it or move it elsewhere, then run the command again.",
        )


def settle_lock_file(made: Plan) -> None:
    """A lock file that both have changed is no text to merge: it stays the project's until uv resolves it again."""
    if {2, 3} <= made.conflicts.get(LOCK, {}).keys():
        made.result[LOCK] = made.before[LOCK]


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
            data=usable(self.project.last, self.newer),
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
        merged: MergedTree,
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


def changes(made: Plan, sides: Sides, kept: Mapping[str, str]) -> list[Change]:
    """Every file that the update touches, or leaves alone for a reason, with its fate."""
    new_names = {old: new for new, old in {**sides.by_template, **sides.with_folder}.items()}
    found = []
    for path, stages in made.conflicts.items():
        kind = LOCKED if path == LOCK and {2, 3} <= stages.keys() else conflict_note(stages)
        notes = (kind, sides.note(path))
        found.append(Change(path, CONFLICT, "; ".join(filter(None, notes))))
    for path, blob in made.touched.items():
        if path in made.conflicts:
            continue
        fate = REMOVED if blob is None else UPDATED if path in made.before else ADDED
        note = f"moved to {new_names[path]}" if path in new_names and blob is None else sides.note(path)
        found.append(Change(path, fate, note))
    named = {change.path for change in found}
    return found + [Change(path, KEPT, note) for path, note in kept.items() if path not in named]


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
    """Whether uv can and has to resolve uv.lock again: pyproject.toml asks for other packages, or it is in conflict."""
    import tomllib

    before, after = made.before.get("pyproject.toml"), made.result.get("pyproject.toml")
    if LOCK not in made.result or before is None or after is None or "pyproject.toml" in made.conflicts:
        return False
    if LOCK in made.conflicts:
        return {2, 3} <= made.conflicts[LOCK].keys()

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
