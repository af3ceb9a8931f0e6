"""No command slips into the documentation that nobody runs, and none names what is not there."""

import re
from typing import Any

import pytest
import typer
from mlops_scaffold.cli import app

from tests.conftest import ROOT
from tests.docs.shell import BLOCK, ELSEWHERE, SHELLS, blocks, inline, pages
from tests.docs.test_readme import IN_THE_PROJECT

# Who types the blocks of a page.
EXECUTED = {
    "README.md": "tests/docs/test_readme.py",
    "docs/tutorial.md": "tests/docs/test_readme.py",
    "docs/own-data.md": "tests/docs/test_readme.py",
    **{f"docs/{page}": "tests/docs/test_readme.py" for page in IN_THE_PROJECT},
    "docs/adopt.md": "tests/adopt/test_page.py",
    "docs/update.md": "tests/docs/test_sessions.py",
    "docs/platform-teams.md": "tests/docs/test_sessions.py",
    "docs/template-source.md": "tests/docs/test_sessions.py",
    "docs/folders-and-networks.md": "tests/kit/test_first_month.py",
}
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pages()}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_commands_is_executed(page: str) -> None:
    assert not {language for language, _ in BLOCK.findall(PAGES[page])} & {"bash", "shell", "zsh"}, f"write {SHELLS}"
    left = [command for command in blocks(PAGES[page]) if command not in ELSEWHERE]
    assert not left or page in EXECUTED, f"nobody runs: {left}"


def test_what_is_not_executed_is_listed_with_its_reason() -> None:
    listed = re.findall(r"(?m)^\| (`.*`) \| .+ \|$", PAGES["docs/verification.md"])
    commands = [command for row in listed for command in re.findall(r"`([^`]+)`", row)]
    for command in ELSEWHERE:
        assert command == "make test" or any(command.startswith(known) for known in commands), command


def test_every_task_that_is_named_is_there() -> None:
    """Of some project: what a project's own pages name, tests/render looks at for every combination."""
    files = ("template/project/pyproject.toml", "template/parts/outdated.toml")
    source = "".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    known = set(re.findall(r"(?m)^([a-z-]+) = \{ (?:cmd|sequence|script|shell)", source))
    for page, text in PAGES.items():
        for command in blocks(text) + inline(text):
            for task in re.findall(r"\bpoe ([a-z][a-z-]*)", command):
                assert task in known, f"{page}: {command}"


def test_every_command_line_that_is_named_is_understood() -> None:
    group: Any = typer.main.get_command(app)
    for page, text in PAGES.items():
        for command in blocks(text) + inline(text):
            for words in re.findall(r"\bmlops ([a-z][^;&|]*)", command):
                name, *arguments = words.split()
                assert name in group.commands, f"{page}: {command}"
                named = group.commands[name]
                if hasattr(named, "commands") and arguments:
                    assert arguments[0] in named.commands, f"{page}: {command}"
                    named = named.commands[arguments[0]]
                known = {option for one in named.params for option in one.opts} | {"--help"}
                given = {word.partition("=")[0] for word in arguments if re.match(r"--?[a-z]", word)}
                assert given <= known, f"{page}: {command}"
