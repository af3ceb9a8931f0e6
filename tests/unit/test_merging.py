"""What a person and the template made of one file, and what comes of it: a case for each format, rule and policy."""

import time
from dataclasses import dataclass
from textwrap import dedent

import pytest
from mlops_scaffold.merging.resolve import Resolution, mend, resolve

from tests.unit.test_merging_property import git_merge


def merged(path: str, base: str, ours: str, theirs: str) -> Resolution:
    """Merge three versions of a file that git leaves in conflict."""
    base, ours, theirs = (dedent(text).lstrip("\n") for text in (base, ours, theirs))
    assert "<<<<<<<" in git_merge((base, ours, theirs)), "git merges this itself"
    found = resolve(path, (base, ours, theirs), git_merge)
    assert found
    return found


@dataclass(frozen=True)
class Case:
    """A file, what both made of it, and the merge; without one it stays a conflict."""

    path: str
    base: str
    ours: str
    theirs: str
    result: str = ""


MERGED = {
    "both add a dependency, of which I have broken the list over lines": Case(
        "pyproject.toml",
        '[project]\ndependencies = ["pandas>=2"]\n',
        '[project]\ndependencies = [\n  "pandas>=2",\n  "polars>=1",  # faster\n]\n',
        '[project]\ndependencies = ["pandas>=2", "numpy>=2"]\n',
        '[project]\ndependencies = [\n  "pandas>=2",\n  "polars>=1",  # faster\n  "numpy>=2",\n]\n',
    ),
    "I raise one dependency, the template another one": Case(
        "pyproject.toml",
        '[project]\ndependencies = [\n  "a>=1",\n  "b>=1",\n]\n',
        '[project]\ndependencies = [\n  "a>=2",\n  "b>=1",\n]\n',
        '[project]\ndependencies = [\n  "a>=1",\n  "b>=3",\n]\n',
        '[project]\ndependencies = [\n  "a>=2",\n  "b>=3",\n]\n',
    ),
    "both add a table to TOML": Case(
        "config/ruff.toml",
        "line-length = 88\n",
        'line-length = 88\n\n[lint]\nselect = ["E"]\n',
        "line-length = 88\n\n[format]\npreview = true\n",
        'line-length = 88\n\n[lint]\nselect = ["E"]\n\n[format]\npreview = true\n',
    ),
    "both add the same key to TOML": Case(
        "pyproject.toml",
        '[tool.x]\na = "1"\n',
        '[tool.x]\na = "1"\nhttpx = "1"\nmine = true\n',
        '[tool.x]\na = "1"\ntheirs = true\nhttpx = "1"\n',
        '[tool.x]\na = "1"\nhttpx = "1"\nmine = true\ntheirs = true\n',
    ),
    "both change a job of a workflow": Case(
        "ci.yml",
        "jobs:\n  test:\n    timeout-minutes: 5\n    runs-on: ubuntu\n    steps:\n      - run: make\n",
        "jobs:\n  test:\n    timeout-minutes: 9  # slow\n    runs-on: ubuntu\n    steps:\n      - run: make\n",
        "jobs:\n  test:\n    timeout-minutes: 5\n    runs-on: debian\n    steps:\n      - run: make\n",
        "jobs:\n  test:\n    timeout-minutes: 9  # slow\n    runs-on: debian\n    steps:\n      - run: make\n",
    ),
    "both add to a stage of a pipeline": Case(
        "dvc.yaml",
        "stages:\n  train:\n    deps:\n      - a.py\n",
        "stages:\n  train:\n    deps:\n      - a.py\n      - mine.csv\n",
        "stages:\n  train:\n    deps:\n      - a.py\n      - b.py\n",
        "stages:\n  train:\n    deps:\n      - a.py\n      - mine.csv\n      - b.py\n",
    ),
    "both add a member to JSON with comments": Case(
        "devcontainer.json",
        '{\n  // where\n  "image": "x"\n}\n',
        '{\n  // where\n  "image": "x",\n  "mounts": []\n}\n',
        '{\n  // where\n  "image": "x",\n  "features": {}\n}\n',
        '{\n  // where\n  "image": "x",\n  "mounts": [],\n  "features": {}\n}\n',
    ),
    "both import and define something": Case(
        "model.py",
        "import os\nfrom lib import a\n\n\ndef build():\n    return a\n",
        "import os\nimport mine\nfrom lib import a, b\n\n\ndef build():\n    return a\n\n\ndef my():\n    return b\n",
        "import os\nimport new\nfrom lib import a, c\n\n\ndef build():\n    return a\n\n\ndef their():\n    return c\n",
        "import os\nimport mine\nimport new\nfrom lib import a, b, c\n\n\ndef build():\n    return a\n\n\n"
        "def my():\n    return b\n\n\ndef their():\n    return c\n",
    ),
    "both add a method to a class": Case(
        "model.py",
        "class Model:\n    x = 1\n",
        "class Model:\n    x = 1\n\n    def mine(self):\n        return 1\n",
        "class Model:\n    x = 1\n\n    def theirs(self):\n        return 2\n",
        "class Model:\n    x = 1\n\n    def mine(self):\n        return 1\n\n    def theirs(self):\n        return 2\n",
    ),
    "both add a section to the README": Case(
        "README.md",
        "# Title\n\nText.\n",
        "# Title\n\nText.\n\n## Mine\n\nme\n",
        "# Title\n\nText.\n\n## Theirs\n\nthem\n",
        "# Title\n\nText.\n\n## Mine\n\nme\n\n## Theirs\n\nthem\n",
    ),
    "both add to a list in setup.cfg": Case(
        "setup.cfg",
        "[options]\ninstall_requires =\n    a\n",
        "[options]\ninstall_requires =\n    a\n    mine\n",
        "[options]\ninstall_requires =\n    a\n    theirs>=2\n",
        "[options]\ninstall_requires =\n    a\n    mine\n    theirs>=2\n",
    ),
    "both add a requirement": Case(
        "requirements-dev.txt", "a==1\n", "a==1\nmine\n", "a==1\ntheirs==2\n", "a==1\nmine\ntheirs==2\n"
    ),
    "both ignore something": Case(".gitignore", "a/\n", "a/\nmine/\n", "a/\ntheirs/\n", "a/\nmine/\ntheirs/\n"),
    "both change a word of a sentence": Case(
        "docs/notes.txt",
        "Train with ten trees on the sample.\n",
        "Train with ninety trees on the sample.\n",
        "Train with ten trees on the whole sample.\n",
        "Train with ninety trees on the whole sample.\n",
    ),
    "both change a line of a Dockerfile": Case(
        "Dockerfile",
        "FROM python:3.11-slim\n",
        "FROM python:3.12-slim\n",
        "FROM python:3.11-slim AS build\n",
        "FROM python:3.12-slim AS build\n",
    ),
    "I renamed a table that the template adds to": Case(
        "pyproject.toml",
        '[tool.uv]\na = "1"\nb = "2"\nc = "3"\n',
        '[dev]\na = "1"\nb = "2"\nc = "4"\n',
        '[tool.uv]\na = "1"\nnew = "0"\nb = "2"\nc = "3"\nd = "5"\n',
        '[dev]\na = "1"\nnew = "0"\nb = "2"\nc = "4"\nd = "5"\n',
    ),
}


@pytest.mark.parametrize("case", MERGED.values(), ids=MERGED.keys())
def test_both_come_together(case: Case) -> None:
    found = merged(case.path, case.base, case.ours, case.theirs)
    assert found.settled, found.text
    assert found.text == case.result
    assert found.rule in ("merged by keys", "merged by words")


CONFLICTS = {
    "both add one key with another value": Case(
        "a.toml", "[x]\na = 1\n", "[x]\na = 1\nhttpx = 1\n", "[x]\na = 1\nhttpx = 2\n"
    ),
    "both add one dependency in another version": Case(
        "a.toml",
        'dependencies = ["a>=1"]\n',
        'dependencies = ["a>=1", "Http_x>=1"]\n',
        'dependencies = ["a>=1", "http-x>=2"]\n',
    ),
    "both add a step at one place: their order would be a guess": Case(
        "ci.yml",
        "steps:\n  - run: a\n  - run: b\n",
        "steps:\n  - run: a\n  - run: mine\n  - run: b\n",
        "steps:\n  - run: a\n  - run: theirs\n  - run: b\n",
    ),
    "I removed what the template changed": Case("a.yaml", "a: 1\nb: 2\n", "b: 3\n", "a: 9\nb: 2\n"),
    "both set a value": Case("a.json", '{"a": 1}\n', '{"a": 2}\n', '{"a": 3}\n'),
    "both change one statement": Case("a.py", "x = 1\n", "x = 2\n", "x = 3\n"),
    "both import one name from two places": Case(
        "a.py", "import os\n", "import os\nfrom a import x\n", "import os\nfrom b import x\n"
    ),
    "the template removes an import that I have come to need": Case(
        "a.py",
        "import os\nimport sys\n\n\ndef f():\n    return os.sep\n",
        "import os\nimport sys\n\n\ndef f():\n    return os.sep\n\n\ndef mine():\n    return os.name\n",
        "import sys\n\n\ndef f():\n    return sys.path\n\n\ndef theirs():\n    return 1\n",
    ),
    "both give a function another name": Case(
        "a.py", "def f():\n    return 1\n", "def g():\n    return 1\n", "def h():\n    return 1\n"
    ),
    "entries without names, of which I have put one in front": Case(
        "a.yaml",
        "x:\n  - {a: 1, b: 1}\n",
        "x:\n  - {a: 0, b: 0}\n  - {a: 1, b: 1}\n",
        "x:\n  - {a: 1, b: 2}\n",
    ),
    "both change one word": Case("a.txt", "one two three\n", "one 2 three\n", "one zwei three\n"),
    "one changes the line next to the other's, in a file whose format is not known": Case(
        "run.sh", "a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n"
    ),
    "a file that a program wrote": Case("uv.lock", "a = 1\n", "a = 1\nb = 1\n", "a = 1\nc = 1\n"),
    "an edit in the body of a removed section of the top level": Case("a.md", "# A\n\nx\n", "", "# A\n\ny\n"),
}


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_what_would_be_a_guess_stays_a_conflict(case: Case) -> None:
    found = resolve(case.path, (case.base, case.ours, case.theirs), git_merge)
    assert found is None or not found.settled, found.text


def test_the_markers_of_a_conflict_are_around_what_it_is_about() -> None:
    found = merged(
        "ci.yml",
        "jobs:\n  a:\n    timeout: 1\n    runs-on: x\n",
        "jobs:\n  a:\n    timeout: 2\n    mine: 1\n    runs-on: x\n",
        "jobs:\n  a:\n    timeout: 3\n    theirs: 1\n    runs-on: x\n",
    )
    assert found.text == (
        "jobs:\n  a:\n<<<<<<< project\n    timeout: 2\n=======\n    timeout: 3\n>>>>>>> template\n"
        "    mine: 1\n    theirs: 1\n    runs-on: x\n"
    )


STEP = "jobs:\n  a:\n    steps:\n      - {}\n"
PINS = {
    "an action": ("uses: actions/checkout@v{}", "ci.yml", "jobs:\n  a:\n    steps:\n      - {}\n"),
    "an action by its digest": (
        "uses: a/b@" + "{}" * 40 + "  # v{}.1",
        "ci.yml",
        "jobs:\n  a:\n    steps:\n      - {}\n",
    ),
    "a hook": ("rev: v{}.0", ".pre-commit-config.yaml", "repos:\n  - repo: https://example.com/x\n    {}\n"),
    "a requirement": ("ruff==0.{}", "requirements.txt", "{}\n"),
}


@pytest.mark.parametrize(("line", "path", "file"), PINS.values(), ids=PINS.keys())
@pytest.mark.parametrize(("mine", "theirs"), [(5, 4), (4, 5)])
def test_the_newer_of_two_pins_is_taken_and_told(line: str, path: str, file: str, mine: int, theirs: int) -> None:
    base, ours, new, newest = (file.format(line.replace("{}", str(pin))) for pin in (3, mine, theirs, 5))
    found = merged(path, base, ours, new)
    assert found.text == newest
    assert found.rule == "merged by keys, newer pin"
    assert line.replace("{}", "5") in found.details[-1], found.details


def test_numbers_that_are_no_pins_stay_a_conflict() -> None:
    assert not merged("a.py", "if n==3:\n    x\n", "if n==4:\n    x\n", "if n==5:\n    x\n").settled
    assert not merged("a.yaml", "if: n==3\n", "if: n==4\n", "if: n==5\n").settled
    assert not merged("a.txt", "n@v3\n", "n@v4\n", "n@v5\n").settled
    assert not merged("requirements.txt", "a==1.0\n", "a==2.0rc1\n", "a==2.0\n").settled


def test_two_digests_without_a_version_stay_a_conflict() -> None:
    file = STEP.format("uses: a/b@{}")
    assert not merged("ci.yml", file.format("1" * 40), file.format("2" * 40), file.format("3" * 40)).settled


README = "# Title\n\n## Use\n\nType this.\n\n## End\n\nbye\n"


def test_a_section_that_i_deleted_stays_deleted_and_is_told() -> None:
    ours, theirs = "# Title\n\n## End\n\nbye\n", README.replace("this", "that")
    found = merged("README.md", README, ours, theirs)
    assert found.text == ours
    assert found.details[-1] == "a section that you deleted stays deleted: ## Use"


def test_a_section_that_i_gave_another_name_is_not_taken_for_deleted() -> None:
    base = README.replace("## Use\n\n", "## Use\n")
    found = merged("README.md", base, base.replace("## Use", "## How to"), base.replace("this", "that"))
    assert "## How to" in found.text
    assert "Type that" in found.text


@pytest.mark.parametrize(
    ("path", "head", "rest", "key"),
    [
        ("a.toml", "[t]\n", "a = 1\nb = 2\nc = 3\n", "x = 1\n"),
        ("a.yaml", "", "a: 1\nb: 2\nc: 3\n", "x: 1\n"),
        ("requirements.txt", "", "a\nb\nc\n", "x>=1\n"),
    ],
)
def test_what_both_added_elsewhere_is_there_once(path: str, head: str, rest: str, key: str) -> None:
    sides = (head + rest, head + key + rest, head + rest + key)
    by_git = git_merge(sides)
    assert by_git.count(key) == 2, "git puts it in twice"
    found = mend(path, sides, by_git)
    assert found
    assert found.settled
    assert found.text.count(key) == 1


def test_a_key_that_both_added_elsewhere_with_other_values_is_a_conflict() -> None:
    sides = ("[t]\na = 1\nb = 2\nc = 3\n", "[t]\nx = 1\na = 1\nb = 2\nc = 3\n", "[t]\na = 1\nb = 2\nc = 3\nx = 2\n")
    found = mend("a.toml", sides, git_merge(sides))
    assert found
    assert not found.settled


def test_a_heading_that_looks_like_a_marker_is_none() -> None:
    base = "Title\n=======\n\none\n"
    found = merged("a.md", base, base.replace("Title", "Mine"), base.replace("Title", "Theirs").replace("=", "-"))
    assert not found.settled
    clash = next(part for part in found.parts if not isinstance(part, list))
    assert (clash.ours, clash.theirs) == (["Mine\n", "=======\n"], ["Theirs\n", "-------\n"])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}, *a{n}]\n" for n in range(40))),
        ("a.yaml", "a: &a [*a]\n"),
        ("a.yaml", "a: " + "[" * 5000 + "]" * 5000 + "\n"),
        ("a.json", '{"a": ' + "[" * 5000 + "]" * 5000 + "}\n"),
        ("a.toml", "a = " + "[" * 5000 + "]" * 5000 + "\n"),
        ("a.py", "a = " + "-" * 5000 + "1\n"),
        ("a.py", "a = " + "(" * 500 + ")" * 500 + "\n"),
    ],
    ids=["aliases of aliases", "an alias of itself", "YAML", "JSON", "TOML", "signs", "brackets"],
)
def test_a_hostile_file_is_a_conflict_and_no_traceback(path: str, text: str) -> None:
    start = time.process_time()
    found = resolve(path, (text, f"{text}# mine\n", f"{text}# theirs\n"), git_merge)
    assert found is None or not found.settled
    assert time.process_time() - start < 5, "a machine that does other things may take several times as long"


def test_what_git_merged_well_is_left_alone() -> None:
    sides = ("[t]\na = 1\nb = 2\nc = 3\n", "[t]\na = 2\nb = 2\nc = 3\n", "[t]\na = 1\nb = 2\nc = 4\n")
    assert mend("a.toml", sides, git_merge(sides)) is None


@pytest.mark.parametrize(
    ("path", "line", "new"),
    [
        ("a.toml", 'key_{0} = ["a", "b", "c"]  # {0}', "{} = 1"),
        ("a.yaml", "key_{0}: [a, b, c, d, e, f, g]", "{}: 1"),
    ],
)
def test_the_largest_file_takes_about_a_tenth_of_a_second(path: str, line: str, new: str) -> None:
    lines = [line.format(number) for number in range(500)]
    base, ours, theirs = ("\n".join([*lines[:250], *map(new.format, key), *lines[250:]]) for key in ("", "m", "t"))
    start = time.process_time()
    found = resolve(path, (base, ours, theirs), git_merge)
    assert time.process_time() - start < 1, "a machine that does other things may take several times as long"
    assert found
    assert found.settled


def test_a_larger_file_is_left_as_git_has_it() -> None:
    lines = "".join(f"key_{number} = 1\n" for number in range(2000))
    assert resolve("a.toml", (lines, f"{lines}mine = 1\n", f"{lines}theirs = 1\n"), git_merge) is None
