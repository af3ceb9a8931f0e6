"""What uv makes of a project's folder: the environment, and a workspace further up that takes the project in."""

import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project

# The environment that a script is of, in its second line where the path has a blank. One that can be moved has none.
SHEBANG = re.compile(r"#!(?:/bin/sh\n'''exec' ')?(/[^'\n]*?)/bin/python")
TABLE = r"\[tool\.uv\.workspace\]"


def fault(project: Project, trusted: bool) -> tuple[str, str] | None:
    """Why the environment does not work here, and the command that makes it work; None where it does, or is missing.

    That of a project that is not trusted is read, not run.
    """
    if not project.python.exists():
        return None
    try:
        runs = (
            not trusted
            or process.run([str(project.python), "-c", ""], project.folder, process.project_environment()).code == 0
        )
    except OSError:
        runs = False
    if not runs:
        return (
            "the environment's Python does not run here: it was made on another machine",
            "uv venv --clear && uv sync",
        )
    poe = project.python.with_name("poe")
    named = SHEBANG.match(poe.read_bytes()[:1000].decode(errors="replace")) if poe.is_file() else None
    if sys.platform != "win32" and named and Path(named[1]).resolve() != project.python.parent.parent.resolve():
        return f"the environment was made for another folder, {Path(named[1]).parent}", "uv sync --reinstall"
    return None


def outer_workspace(folder: Path) -> Path | None:
    """The pyproject.toml of the uv workspace that a folder is a member of, as uv finds it; None where it is in none."""
    for above in folder.parents:
        file = above / "pyproject.toml"
        workspace = _workspace(file)
        if workspace is not None:
            path = folder.relative_to(above).as_posix()
            taken, left_out = (_any(path, workspace.get(key)) for key in ("members", "exclude"))
            return file if taken and not left_out else None
    return None


def require_own_environment(folder: Path) -> None:
    """Raise where uv would make a folder's environment and lock file in a workspace further up."""
    file = outer_workspace(folder.absolute())
    if file is not None:
        raise MlopsError(
            f"{folder} would be a member of the uv workspace of {file}.", f"Exclude it: {exclude(file, folder)}"
        )


def exclude(file: Path, folder: Path) -> str:
    """The command by which a workspace leaves a folder out."""
    line, name = f'exclude = ["{folder.absolute().relative_to(file.parent).as_posix()}"]', shlex.quote(str(file))
    has_table = re.search(rf"^{TABLE}\s*$", file.read_text(encoding="utf-8"), re.MULTILINE)
    if sys.platform == "linux" and has_table and "exclude" not in (_workspace(file) or {}):
        return f"sed -i {shlex.quote(f'/^{TABLE}/a {line}')} {name}"
    return f'"${{EDITOR:-vi}}" {name} # in [tool.uv.workspace]: {line}'


def _workspace(file: Path) -> dict[str, Any] | None:
    try:
        told: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        for key in ("tool", "uv", "workspace"):
            told = told.get(key, {})
    except (OSError, ValueError, AttributeError):
        return None
    return told if isinstance(told, dict) and told else None


def _any(path: str, patterns: object) -> bool:
    return isinstance(patterns, list) and any(_matches(path, str(pattern)) for pattern in patterns)


def _matches(path: str, pattern: str) -> bool:
    """Whether a path is meant by a pattern of uv's: `*` is of one folder, `**` of any number of them."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern.removeprefix("./").rstrip("/"))
    rules = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(rules.get(part, re.escape(part)) for part in parts), path) is not None
