"""The record of conflicts that leave no markers: a part of the update, so that a commit of it hides none."""

from mlops_scaffold.planning.lock_file import LOCK, needs_lock
from mlops_scaffold.planning.planned import Plan
from mlops_scaffold.vcs.conflict_record import RECORD, dump, is_open, parse, recorded
from mlops_scaffold.vcs.conflicts import MARKS
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch


def record_conflicts(made: Plan, scratch: Scratch) -> None:
    """Add the record to a plan, with what is still open of an earlier one; remove it where nothing is."""
    earlier = parse(scratch.read(made.before[RECORD].oid)).conflicts if RECORD in made.before else ()
    found = {one.path: one for one in earlier if is_open(one, made.before.get(one.path))}
    for path, stages in sorted(made.conflicts.items()):
        if not has_markers(scratch, made.result.get(path)) and not (path == LOCK and needs_lock(made, scratch)):
            found[path] = recorded(path, stages)
    if found:
        versions = made.older.name, made.newer.name
        text = dump(found.values(), versions, made.project.answers, made.layer_answers)
        made.result[RECORD] = Blob("100644", scratch.hash(text))
    else:
        made.result.pop(RECORD, None)


def has_markers(scratch: Scratch, blob: Blob | None) -> bool:
    """Whether a file shows its conflict."""
    return blob is not None and blob.mode.startswith("100") and MARKS[0].encode() in scratch.read(blob.oid)
