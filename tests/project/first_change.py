"""The first change that a project proposes to a newcomer, read from its page and made as it says there."""

import re
from dataclasses import dataclass
from pathlib import Path

CALLS = re.compile(r"in `(\w+)` of `([^`]+)`, give (?:each )?`(\w+)` (?:layer )?one more argument, `((\w+)=([^`]+))`")


@dataclass(frozen=True)
class Change:
    """What the page says: which function of which file gives an argument which value."""

    function: str
    path: str
    argument: str
    value: str


def make(project: Path) -> Change:
    """Edit the file that the page names."""
    page = next(path for path in (project / "ONBOARDING.md", project / "README.md") if path.exists())
    said = re.sub(r"\s+", " ", page.read_text(encoding="utf-8").partition("## The first change")[2])
    calls = CALLS.search(said)
    assert calls, said[:500]
    function, path, kind, whole, argument, value = calls.groups()
    edit(project / path, rf"(\b{kind}\([^)]*)\)", rf"\1, {whole})")
    return Change(function, path, argument, value)


def edit(path: Path, what: str, instead: str) -> None:
    """Replace what is there once."""
    text, count = re.subn(what, instead, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{path.name} has {what} {count} times"
    path.write_text(text, encoding="utf-8")
