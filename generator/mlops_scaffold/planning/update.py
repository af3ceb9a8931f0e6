"""`mlops update`, `add`, `remove`: plan a merge of three trees. Nothing is written to the project here.

base is the template as the project last rendered it, theirs as it renders now, ours the project's last commit. Layers
over the template are merged after it, each with its own base and theirs.
"""

from collections.abc import Iterable, Mapping, Sequence

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.settings import BY_FORMAT
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.merging.merged import MergedTree
from mlops_scaffold.planning.local import already_there, obstacles
from mlops_scaffold.planning.lock_file import LOCK, LOCKED, settle_lock_file
from mlops_scaffold.planning.merging import Merging, hand_over
from mlops_scaffold.planning.planned import ADDED, CONFLICT, KEPT, REMOVED, STAYS, UPDATED, Change, Plan
from mlops_scaffold.planning.record import record_conflicts
from mlops_scaffold.planning.renames import Sides
from mlops_scaffold.planning.tasks import Tasks
from mlops_scaffold.planning.trees import combine
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.rendering.layers import RenderedLayer
from mlops_scaffold.vcs.files import present
from mlops_scaffold.vcs.repository import GITLINK, Blob, Repository
from mlops_scaffold.vcs.scratch import Scratch


def plan(
    layers: Sequence[RenderedLayer], scratch: Scratch, tasks: Mapping[str, Tasks] | None = None, how: str = BY_FORMAT
) -> Plan:
    """Merge what is committed with each layer, the base first, then decide on the files that are on disk only.

    `tasks` are what layers run, by their names.
    """
    repository, first = scratch.repository, layers[0].layer
    commit = repository.head()
    head = repository.entries_of(commit)
    before = {path: blob for path, blob in head.items() if blob.mode != GITLINK}
    rendered = [(entries(one.base), entries(one.theirs)) for one in layers]
    attributes = take_attributes(
        scratch, union(base for base, _ in rendered), before, union(new for _, new in rendered)
    )
    merging = Merging(scratch, head, MergedTree({**before, **attributes}), how)
    stored = [(scratch.store(base), scratch.store(theirs)) for base, theirs in rendered]
    hand_over(stored)
    for one, (left, right) in zip(layers, stored, strict=True):
        merging.take(one, left, right, (tasks or {}).get(one.layer.name))
    merged, kept = merging.merged, merging.kept
    over = tuple(one.layer.project for one in layers[1:] if not one.layer.comes)
    made = Plan(
        first.project, repository, commit, first.older, first.newer, before, merged.entries, merged.conflicts, over
    )
    settle_lock_file(made)
    record_conflicts(made, scratch)
    kept |= settle_local(made, scratch, merging)
    kept |= {path: not_in_git(repository, path) for path in merged.stays_deleted} | dict.fromkeys(merged.stays, STAYS)
    found = changes(made, merging.moves, {**merging.kept_seeds, **kept})
    made.changes = sorted(found, key=lambda one: (one.status, one.path))
    made.notices = [notice for one in layers for notice in answers_that_changed(one)] + merging.notices
    made.resolved = {path: one for path, one in merged.resolved.items() if one.settled != (path in made.conflicts)}
    return made


def entries(made: Rendered) -> dict[str, Entry]:
    """The rendered files, by their paths as text."""
    return {str(path): entry for path, entry in made.tree.files.items()}


def union(trees: Iterable[Mapping[str, Entry]]) -> dict[str, Entry]:
    """The files of all layers."""
    return {path: entry for tree in trees for path, entry in tree.items()}


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


def settle_local(made: Plan, scratch: Scratch, merging: Merging) -> dict[str, str]:
    """What is on disk and in no commit stays as it is. Gives back what to tell of what git ignores, or is the user's.

    Whatever else is in the way is for a person to move: it is noted in the plan.
    """
    repository, moved = made.repository, merging.moves.moved
    new = {path: blob for path, blob in made.touched.items() if blob is not None and path not in made.before}
    going = {path for path, blob in made.touched.items() if blob is None}
    found = obstacles(repository, new, going)
    made.there = already_there(scratch, new, found)
    ignored = repository.ignored({*found.values(), *(new.keys() - found.keys())})
    kept = {}
    for path, there in found.items():
        if path in made.there:
            continue
        if path in moved or not (there in ignored or path in merging.seeds):
            made.in_the_way[path] = there
            continue
        del made.result[path]
        made.conflicts.pop(path, None)
        whose = "ignored by git" if there in ignored else "yours"
        kept[path] = f"{whose}, and not what the template has" if there == path else f"{there} is in its place"
    made.local = {path for path in made.result.keys() & ignored if path in new and path not in moved}
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


def changes(made: Plan, sides: Sides, kept: Mapping[str, str]) -> list[Change]:
    """Every file that the update touches, or leaves alone for a reason, with its status."""
    new_names = {old: new for new, old in {**sides.by_template, **sides.with_folder}.items()}
    found = []
    for path, stages in made.conflicts.items():
        kind = LOCKED if path == LOCK and {2, 3} <= stages.keys() else conflict_note(stages)
        notes = (kind, sides.note(path))
        found.append(Change(path, CONFLICT, "; ".join(filter(None, notes))))
    for path, blob in made.touched.items():
        if path in made.conflicts:
            continue
        status = REMOVED if blob is None else UPDATED if path in made.before else ADDED
        note = f"moved to {new_names[path]}" if path in new_names and blob is None else sides.note(path)
        found.append(Change(path, status, note))
    named = {change.path for change in found}
    return found + [Change(path, KEPT, note) for path, note in kept.items() if path not in named]


def conflict_note(stages: Mapping[int, Blob]) -> str:
    """What happened, in words."""
    if 3 not in stages:
        return "you changed it, the template removed or moved it"
    if 2 not in stages:
        return "you removed or moved it, the template changed it"
    return "you and the template changed the same lines" if 1 in stages else "you and the template both added it"


def answers_that_changed(made: RenderedLayer) -> list[str]:
    """Answers that the template no longer takes, though nobody gave another one."""
    kept, now = made.layer.project.last, made.theirs.answers
    return [
        f"{key}: the template no longer takes {kept[key]!r}; it is {now[key]!r} now."
        for key in kept
        if key not in made.given and key in now and kept[key] != now[key]
    ]
