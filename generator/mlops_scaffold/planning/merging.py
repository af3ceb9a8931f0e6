"""The merge of a project with its templates, one after the other; for most projects there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.merging.merged import MergedTree
from mlops_scaffold.planning.local import KINDS, behind, obstacle, walls
from mlops_scaffold.planning.renames import Follower, Sides
from mlops_scaffold.planning.seeds import Seeds
from mlops_scaffold.planning.tasks import AFTER, BEFORE, Tasks
from mlops_scaffold.planning.trees import combine, give_way
from mlops_scaffold.rendering.layers import RenderedLayer
from mlops_scaffold.vcs.repository import GITLINK, Blob
from mlops_scaffold.vcs.scratch import Scratch


@dataclass
class Merging:
    """What has come of the merge so far: the files, the moves that were followed, and what to tell of paths.

    `head` are the files of the last commit, `seeds` the paths that are the user's once they are rendered.
    """

    scratch: Scratch
    head: Mapping[str, Blob]
    merged: MergedTree
    how: str
    moves: Sides = field(default_factory=lambda: Sides({}, {}, {}))
    kept: dict[str, str] = field(default_factory=dict)
    kept_seeds: dict[str, str] = field(default_factory=dict)
    seeds: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)

    def take(self, made: RenderedLayer, left: dict[str, Blob], right: dict[str, Blob], tasks: Tasks | None) -> None:
        """Merge one layer: `left` are its stored files as the project last had them, `right` as they are now."""
        layer, ours = made.layer, self.merged.entries
        self.kept |= leave_out(walls(self.head, left), left, right)
        answers = made.theirs.answers_path.as_posix()
        if answers in ours:
            left[answers] = ours[answers]
        elif not layer.comes:
            raise MlopsError(f"{answers} is in no commit.", "Commit it, then run the command again.")
        seeds = Seeds(layer.project, made.base, made.theirs, layer.newer)
        seeds.settle(left, right, ours)
        self.seeds |= {path for path in right if made.theirs.is_seed(path)}
        versions, both = (layer.older, layer.newer), (made.base, made.theirs)
        migrated = tasks.run(self.scratch, ours, BEFORE) if tasks else ours
        sides = Follower(self.scratch, versions, both, self._is_taken).follow(left, migrated, right)
        merged = combine(self.scratch, sides.base, sides.ours, sides.theirs, self.how)
        self.kept |= give_way(merged, sides.ours)
        seeds.conflict(self.scratch, merged, sides.base, sides.ours, sides.theirs)
        self.kept_seeds |= seeds.kept
        self._add(merged, sides)
        if tasks:
            changed, conflicts = tasks.run(self.scratch, self.merged.entries, AFTER), self.merged.conflicts
            in_conflict = {path: blob for path, blob in self.merged.entries.items() if path in conflicts}
            self.merged.entries = changed | in_conflict
            self.notices += tasks.notices

    def _is_taken(self, path: str) -> bool:
        """Whether a local file has a name already."""
        return bool(obstacle(self.scratch.repository.folder, path, self.head.keys()))

    def _add(self, merged: MergedTree, sides: Sides) -> None:
        self.merged.entries = merged.entries
        self.merged.conflicts |= merged.conflicts
        self.merged.stays += merged.stays
        self.merged.stays_deleted += merged.stays_deleted
        self.merged.resolved |= merged.resolved
        self.moves.by_template |= sides.by_template
        self.moves.by_person |= sides.by_person
        self.moves.with_folder |= sides.with_folder


def hand_over(layers: list[tuple[dict[str, Blob], dict[str, Blob]]]) -> None:
    """Give a path that goes from one layer to another its old version there: it is merged, not removed and added."""
    for left, right in layers:
        for path in left.keys() - right.keys():
            heir = next((other for other, new in layers if path in new and path not in other), None)
            if heir is not None:
                heir[path] = left.pop(path)


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
