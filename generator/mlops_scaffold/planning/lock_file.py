"""uv.lock in a planned update: uv resolves it again, no merge does."""

from mlops_scaffold.planning.planned import Plan
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch

LOCK = "uv.lock"
LOCKED = "yours for now: settle pyproject.toml, then run uv lock && git add uv.lock"


def settle_lock_file(made: Plan) -> None:
    """A lock file that both have changed is no text to merge: it stays the project's until uv resolves it again."""
    if {2, 3} <= made.conflicts.get(LOCK, {}).keys():
        made.result[LOCK] = made.before[LOCK]


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
