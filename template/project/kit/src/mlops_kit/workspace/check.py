"""poe check: conflicts of an update that are not settled, and edits of files that the template manages. For CI.

`mlops check --strict` says the same, and compares each file with the template; the CI of a project has no mlops.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops_kit.ground import KitError, command, git, project
from mlops_kit.ground.project import is_package

ANSWERS = (".copier-answers.yml", ":(glob).copier-answers.*.yml")  # the template's, and those of layers over it
RECORD = ".mlops/conflicts.yml"  # mlops update names in it what leaves no markers
MARKERS = ("^<<<<<<<", "^=======", "^>>>>>>>")
# A version behind @, == or the colon of an image, with its digest or with a comment: bots raise it, no edit by hand.
PIN = re.compile(
    r"(?:@|==|(?<=\w):(?=v?\d[\w.-]*[.-]|[\w.-]+@sha256:))v?[\w.+-]*\d[\w.+-]*(?:@sha256:[0-9a-f]{64})?"
    r"|@sha256:[0-9a-f]{64}"
    r"|(?<=[0-9a-f]{40})[ \t]+#[ \t]*v?\d[\w.]*"
)


def findings() -> Iterator[str]:
    """What a person has to settle, a sentence each. Raises KitError where git cannot say."""
    if git("rev-parse", "--verify", "--quiet", "HEAD").returncode:
        raise KitError("The project is in no commit.", "Run: git add --all && git commit")
    for path in sorted({line.split("\t", 1)[1] for line in listed("ls-files", "--unmerged", "-z")}):
        yield f"in conflict: {path} (git has it as unmerged)"
    for path in marked():
        yield f"in conflict: {path} (conflict markers)"
    for path in listed("ls-files", "-z", "--", "*.rej"):
        yield f"in conflict: {path} (left over by copier update)"
    for one in recorded():
        if blob(one["path"]) == one.get("ours", ""):
            yield f"in conflict: {one['path']} ({one.get('kind', 'content')}, in {RECORD})"
    if is_package(project().root) and listed("ls-files", "-z", "--", "kit/src/mlops_kit"):
        yield "unused: kit/src/mlops_kit (the library is the package mlops-scaffold-kit: git rm -r kit/src/mlops_kit)"
    for path in edited():
        yield f"drifted: {path} (edited since the last update; the template manages it)"


def listed(*command: str, fine: int = 0) -> list[str]:
    """The names that a git command prints with -z. Raises KitError with git's own words where it fails."""
    done = git(*command)
    if not 0 <= done.returncode <= fine:
        raise KitError(f"`git {' '.join(command)}` failed:\n{done.stderr.strip()}")
    return [name for name in done.stdout.split("\0") if name]


def marked() -> list[str]:
    """The files with lines that begin as all three conflict markers do, unless git expects markers of another size."""
    patterns = [word for mark in MARKERS for word in ("-e", mark)]
    paths = listed("-c", "grep.fullName=false", "grep", "-z", "-lI", "--no-color", "--all-match", *patterns, fine=1)
    if not paths:
        return []
    said = listed("check-attr", "-z", "conflict-marker-size", "--", *paths)
    return [path for path, size in zip(said[::3], said[2::3], strict=True) if not size.isdigit() or size == "7"]


def recorded() -> list[dict[str, str]]:
    """The conflicts in the record. Raises KitError where it cannot be read."""
    import yaml

    file = project().root / RECORD
    if not file.is_file():
        return []
    try:
        found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))["conflicts"]
        return [{"path": one["path"], **one} for one in found]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        raise KitError(f"{RECORD} cannot be read.", f"Settle its conflicts, then: git rm {RECORD}") from None


def blob(path: str) -> str:
    """The name that git has for a tracked file's content; empty for one that it does not track."""
    found = listed("ls-files", "--stage", "-z", "--", f":(literal){path}")
    return found[0].split()[1] if found else ""


def edited() -> list[str]:
    """The managed files that differ from those of the last update by more than pinned versions.

    A file that a person has added beside them, such as a workflow of their own, is no edit; in the library it is.
    """
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        print("a shallow clone: edited files were not looked for (CI: fetch the whole history)", file=sys.stderr)
        return []
    since = git("log", "-1", "--format=%H", "--", *ANSWERS).stdout.strip()
    paths = [f":(top,literal){prefix()}{path}" for path in managed()]
    if not since or not paths:
        return []
    changed = listed("diff", "--name-only", "--relative", "--no-renames", "-z", since, "--", *paths)
    return [path for path in changed if not is_own(path) and lines_of(since, path) != lines_of("", path)]


def is_own(path: str) -> bool:
    """Whether a person has added a file: no update, which changes an answers file, was in the commit that did."""
    if path.startswith("kit/"):
        return False
    added = git("log", "-1", "--diff-filter=A", "--no-renames", "--format=%H", "--", f":(literal){path}").stdout.strip()
    brought = ("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", added, "--", *ANSWERS)
    return not added or not listed(*brought)


def prefix() -> str:
    """The project's folder in a larger repository."""
    return git("rev-parse", "--show-prefix").stdout.strip()


def managed() -> list[str]:
    """The files and folders that nobody edits by hand."""
    told = tomllib.loads((project().root / "pyproject.toml").read_text(encoding="utf-8"))
    return [path.strip("/") for path in told["tool"]["mlops"].get("managed", [])]


def lines_of(commit: str, path: str) -> str:
    """A file without its pinned versions: as it is, or of a commit; empty where it is not there."""
    if commit:
        done = git("show", f"{commit}:./{path}")
        return PIN.sub("", done.stdout) if done.returncode == 0 else ""
    file: Path = project().root / path
    return PIN.sub("", file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ""


@command
def main() -> None:
    """Print what is found; exit code 2 where there is something."""
    found = list(findings())
    for line in found:
        print(line)
    if found:
        print(f"Settle it, then commit. Edits by hand: git log --oneline -- FILE; {RECORD} says how its conflicts end.")
        sys.exit(2)
    print("no open conflicts, no managed file edited")


if __name__ == "__main__":
    main()
