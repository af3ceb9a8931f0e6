"""Seeds in an update: the files that are the user's once they are rendered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.merging.by_git import whole_file_conflict
from mlops_scaffold.merging.merged import MergedTree
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.rendering.recorded import render_base
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch


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
        try:
            same = render_base(self.project, self.newer)
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
