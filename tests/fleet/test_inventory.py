"""fleet.yml is checked before anything is read: what is wrong is one sentence, with a next step."""

import contextlib
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_scaffold.fleet.inventory import read_fleet
from mlops_scaffold.ground.errors import MlopsError

from tests.conftest import ROOT, mlops

HOST = "hosts:\n  git.example.com: {kind: gitlab, token: env:FLEET_TOKEN}\n"
WRONG = {
    "projects: [{repo: a, colour: red}]": "fleet.yml: project 1 has the unknown key 'colour'. There are:",
    "project: [a]": "fleet.yml has the unknown key 'project'. There are: projects",
    "projects: []": "fleet.yml has no list of projects.",
    "projects: [{path: a}]": "fleet.yml: project 1 has no repo.",
    "projects: [a, ./a]": "fleet.yml names the repository ./a twice.",
    "projects: ['https://git.example.com/ml/a', 'https://git.example.com/ml/a.git']": "twice",
    "rings: [early, late]\nprojects: [{repo: a, ring: late}]": "no project is in the ring 'early'",
    "rings: [early]\nprojects: [{repo: a, ring: erly}]": "in the ring 'erly', which is not in rings. There are: early",
    "projects: [{repo: a, path: ../b}]": "path names no folders of the repository",
    "projects: [{repo: 'ext::sh -c id'}]": "is not the address of a git repository",
    "projects: [{repo: a, hold: {until: soon}}]": "until is no day",
    "limits: {open: 0}\nprojects: [a]": "open is 0",
    "limits: {fail_stop: 120%}\nprojects: [a]": "fail_stop is '120%'",
    "branch: -f\nprojects: [a]": "'-f' is no name of a branch",
    "hosts: {git.example.com: {kind: gitlab, token: abc}}\nprojects: [a]": "token is no variable of the environment",
    "hosts: {git.example.com: {kind: gitea}}\nprojects: [a]": "has the kind 'gitea'. There are: gitlab, github",
    "hosts: {git.example.com: {kind: [gitlab]}}\nprojects: [a]": "has the kind ['gitlab']",
    "limits: {fail_stop: ²%}\nprojects: [a]": "fail_stop is '²%'",
    "version: 2\nprojects: [a]": "is of version 2",
    "projects: {": "is no YAML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_the_inventory_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "fleet.yml").write_text(text, encoding="utf-8")
    with pytest.raises(MlopsError) as caught:
        read_fleet(tmp_path / "fleet.yml")
    assert WRONG[text] in str(caught.value)


# Everything that an inventory may have, and what somebody may have written in the place of any part of it.
FULL = """\
version: 1
hosts:
  git.example.com: {kind: gitlab, token: env:A, api: https://git.example.com/api/v4}
  other.example.com: {kind: github, app: env:B, key: env:C}
branch: mlops/template
rings: [early, rest]
limits: {open: 1, per_minute: 2, fail_stop: 20%}
templates: [x]
ignore: [y]
projects:
  - {repo: git.example.com/ml/a, path: [x, y], ring: early, hold: {until: 2027-01-15, why: audit}, trusted: true}
  - {repo: ../c, ring: rest}
"""
ODD = ["null", "true", "-1", "1.5", "''", "a", "~nobody/x", "'²%'", "[]", "[[]]", "[a, a]", "{}", "{a: [b]}", "1: 2"]
ODD += [
    "2026-01-01",
    "2026-01-01 10:00:00",
    "'https://['",
    "'-f'",
    "'env:'",
    '"a\\0b"',
    "{kind: [gitlab]}",
    "99999999999999999",
]


def places(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the parts of a file's content are."""
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield (*at, key)
        yield from places(content[key], (*at, key))


def test_whatever_stands_in_an_inventory_it_is_one_or_a_sentence_says_why_not(tmp_path: Path) -> None:
    full = yaml.safe_load(FULL)
    for at, odd in product(places(full), map(yaml.safe_load, ODD)):
        content = deepcopy(full)
        reduce(lambda part, key: part[key], at[:-1], content)[at[-1]] = odd
        (tmp_path / "fleet.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        with contextlib.suppress(MlopsError):
            fleet = read_fleet(tmp_path / "fleet.yml")
            assert all(member.is_held in (True, False) for member in fleet.chosen(shard="1/1"))


def test_an_inventory_says_who_hosts_what(tmp_path: Path) -> None:
    rows = "[git.example.com/ml/a, {repo: 'https://git.example.com/ml/b.git', path: [x, y]}, ../c]"
    (tmp_path / "fleet.yml").write_text(f"{HOST}projects: {rows}\n", encoding="utf-8")
    first, second, third = read_fleet(tmp_path / "fleet.yml").members
    assert (first.name, first.address) == ("ml/a", "https://git.example.com/ml/a.git")
    assert (second.name, second.paths) == ("ml/b", ("x", "y"))
    assert (third.host, third.address) == (None, (tmp_path.parent / "c").as_posix())


def test_the_inventory_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs/platform-teams.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"(?ms)^```yaml\n(version: 1\n.*?)^```$", page)
    (tmp_path / "fleet.yml").write_text(text, encoding="utf-8")
    fleet = read_fleet(tmp_path / "fleet.yml")
    assert [member.ring for member in fleet.members] == ["platform", "early", "rest", "rest"]
    assert (fleet.limits.open, fleet.limits.per_minute, fleet.limits.fail_stop) == (20, 10, 0.2)
    assert [member.is_held for member in fleet.members].count(True) <= 1


def test_list_prints_the_inventory(tmp_path: Path) -> None:
    text = (
        "rings: [early, rest]\nprojects:\n  - {repo: a, ring: early}\n  - {repo: b, path: [x, y], hold: {why: audit}}\n"
    )
    (tmp_path / "fleet.yml").write_text(text, encoding="utf-8")
    said = mlops("fleet", "list", "--json", cwd=tmp_path)
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert [(row["repo"], row["path"], row["ring"], row["hold"]) for row in rows] == [
        ("a", ".", "early", None),
        ("b", "x", "rest", "audit"),
        ("b", "y", "rest", "audit"),
    ]
    wrong = mlops("fleet", "list", "--ring", "erly", cwd=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr == "mlops: There is no ring 'erly'. There are: early, rest.\n"
