"""Merge conflicts: files that a command has written are not edited, they are written again."""

from __future__ import annotations

from mlops_kit.ground.errors import KitError
from mlops_kit.ground.programs import git

OF_A_RUN = ("dvc.lock", "metrics.json")  # written by the pipeline, of both branches
CHAMPION = "champion.yaml"
WRITTEN = (*OF_A_RUN, CHAMPION)


def unmerged() -> list[str]:
    """The project's files that git could not merge, relative to its root; none outside git and in an image."""
    try:
        told = git("diff", "--name-only", "--relative", "--diff-filter=U", "-z")
    except FileNotFoundError:
        return []
    return [path for path in told.stdout.split("\0") if path] if told.returncode == 0 else []


def settle(paths: list[str]) -> str:
    """The commands that settle files in conflict. A retired model stays retired, whichever branch says so."""
    own = [path for path in paths if path not in WRITTEN]
    commands = [f"git add {' '.join(own)}"] if own else []
    if CHAMPION in paths and "\nretired:" in git("show", f":3:./{CHAMPION}").stdout:
        commands.append(f"git checkout --theirs -- {CHAMPION} && git add {CHAMPION}")
    elif CHAMPION in paths:
        commands.append(f"git checkout HEAD -- {CHAMPION}")
    if set(paths) & {*OF_A_RUN}:  # both: one that git merged by its lines is of no run
        both = " ".join(OF_A_RUN)
        commands.append(f"git checkout HEAD -- {both} && uv run poe repro && git add {both}")
    return " && ".join(commands)


def check_settled() -> None:
    """Raise KitError where a file that the pipeline writes is in conflict: DVC and the registry cannot read it."""
    found = unmerged()
    if not set(found) & {*OF_A_RUN}:
        return
    own = [path for path in found if path not in WRITTEN]
    first = f"Edit {', '.join(own)} until no conflict is left. Then" if own else "Run the pipeline again"
    raise KitError(f"A merge has left conflicts in {', '.join(found)}.", f"{first}: {settle(found)}")
