"""Whatever comes from outside is read, or refused in a sentence: addresses, answers, paths, the record of an update."""

import json
import re
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
from mlops_scaffold.applying.journal import Journal
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.settings import parse_mapping
from mlops_scaffold.ground.tree import Entry, Tree
from mlops_scaffold.sources.address import named_address, recorded_address
from mlops_scaffold.vcs.repository import Repository
from mlops_scaffold.vcs.trust import is_trusted

from tests.fuzzing import corpus, try_new


def address(raw: bytes) -> None:
    """Git gets no option, no program and no control character."""
    for parsed in (named_address, recorded_address):
        try:
            found = parsed(raw.decode("latin-1"))
        except MlopsError as refused:
            assert refused.next_step  # noqa: PT017  # most are refused
            continue
        assert not re.match(r"-|[\w+.-]*::", found.fetched.text)
        assert not re.search(r"[\x00-\x1f]", found.fetched.text)
        is_trusted(found.recorded)


def answers(raw: bytes) -> None:
    """A mapping that is not larger than it looks."""
    try:
        found = parse_mapping(raw, Path("answers.yml"))
    except MlopsError:
        return
    assert len(json.dumps(found, default=str)) < 2000 * (len(raw) + 1)


def path(raw: bytes) -> None:
    """Nothing is written outside of the folder, or into git's own."""
    with TemporaryDirectory() as name:
        outside = Path(name)
        try:
            Tree({PurePosixPath(raw.decode("latin-1")): Entry(b"x")}).write_new(outside / "made")
        except MlopsError:
            return
        assert [one.name for one in outside.iterdir()] == ["made"]
        assert not [one for one in (outside / "made").rglob("*") if one.name.casefold() == ".git"]


def journal(raw: bytes) -> None:
    """A record names files of the project, or is none."""
    with TemporaryDirectory() as name:
        found = Journal(Repository(Path(name), Path(name), Path(name), ""))
        found.file.parent.mkdir(parents=True)
        found.file.write_bytes(raw)
        try:
            record = found.read()
        except MlopsError:
            return
        assert not any(map(fault, [*record.before, *record.after, *record.staged, *record.flags]))


TARGETS = {"address": address, "answers": answers, "path": path, "journal": journal}


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_is_found_again(name: str) -> None:
    for raw in corpus(name):
        TARGETS[name](raw)
    try_new(name, TARGETS[name], 50, seeded=True)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_new_is_found(name: str) -> None:
    try_new(name, TARGETS[name], 20_000)
