"""ADOPT.md: what is left for a person, each with the command that proves it."""

import re
from collections.abc import Iterable, Iterator

from mlops_scaffold.adopting.looking import Found
from mlops_scaffold.adopting.planning import IGNORE, SETTINGS, Adoption
from mlops_scaffold.adopting.request import LEVELS
from mlops_scaffold.adopting.requirements import FILE
from mlops_scaffold.ground.project import ANSWERS_FILE
from mlops_scaffold.vcs.files import present
from mlops_scaffold.vcs.repository import Blob
from mlops_scaffold.vcs.scratch import Scratch

PAGE = "ADOPT.md"
TEST = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
ELSEWHERE = ".mlops/ADOPT.md"  # where the repository has a file of that name
HEAD = """\
# What is left to do

`mlops adopt --level {level}` put this repository under the template, version {version}. Of your files
only `.gitignore` was changed, where the template has lines for it. Each task ends with the command that proves it. When
all are done, delete this page.

"""


def add_page(made: Adoption, place: Scratch, found: Found, answers_file: str) -> str:
    """Add the page to the second commit. Gives back its path."""
    taken = any(name.lower() == PAGE.lower() for name in made.before) or present(place.repository.folder / PAGE)
    path = ELSEWHERE if taken else PAGE
    level = str(made.answers.get("level"))
    text = HEAD.format(level=level, version=made.version.name)
    if answers_file != ANSWERS_FILE:
        text += f"The answers are in `{answers_file}`: add `--answers-file {answers_file}` to each `mlops` command.\n\n"
    text += "".join(f"- [ ] {what} Proof: `{proof}`\n" for what, proof in tasks(made, found, level))
    made.second[path] = Blob("100644", place.hash(text.encode()))
    return path


def tasks(made: Adoption, found: Found, level: str) -> Iterator[tuple[str, str]]:
    """What to do, and the command that proves it."""
    if any(TEST.search(path) for path in made.before):
        yield "Your tests are as green as before, in the environment that you have for them.", "python -m pytest"
    if made.conflicts:
        yield (
            f"Settle what both have: {listed(made.conflicts)}. `mlops update --resume` makes conflicts of git's own of "
            "them, for `git mergetool` or an editor; to keep a file as it is, remove its entry from "
            "`.mlops/conflicts.yml`.",
            "mlops check",
        )
    yield from of_ignored(made)
    if level != "ci":
        yield from of_packages(made, found, level)
    yield from of_ci(made, found, level)
    if level == "pipeline":
        yield from of_pipeline(made)
    if made.held:
        yield f"Not written, as the plan said why: {listed(made.held)}. They count as deleted by you.", "mlops diff"
    if level != LEVELS[-1]:
        after = LEVELS[LEVELS.index(level) + 1]
        then = f", and then `uv add --group legacy -r {FILE}`" if level == "ci" and found.legacy.packages else ""
        yield f"When this is merged, take the next level: `mlops update --data level={after}`{then}.", "mlops check"


def of_ignored(made: Adoption) -> Iterator[tuple[str, str]]:
    """The ignore file."""
    if IGNORE in made.second:
        yield (
            f"Look for files in git that `{IGNORE}` names: data, models and secrets do not belong there.",
            "git ls-files --cached --ignored --exclude-standard",
        )
    if made.exceptions:
        yield (
            f"`{IGNORE}` lacks the lines by which the template un-ignores files: {listed(made.exceptions)}. Add them "
            "at its end if no file comes to light that has to stay out.",
            "git status --short",
        )


def of_packages(made: Adoption, found: Found, level: str) -> Iterator[tuple[str, str]]:
    """The packages and their lock file."""
    if level == "pipeline" and found.legacy:
        yield (
            f"`{FILE}` stays. Add what your model needs, in versions that go with the library: `uv add PACKAGE`.",
            "uv tree",
        )
    elif level == "package" and not made.legacy_in:
        yield (
            f"Settle `{SETTINGS}` first; then, if there is a `{FILE}`: `uv add --group legacy -r {FILE}`.",
            "uv tree --group legacy",
        )
    if level == "package" and found.legacy.left:
        yield f"These were not taken over: {'; '.join(found.legacy.left)}.", "uv tree --group legacy"
    yield (
        "Lock the packages: `uv lock`, then commit `uv.lock`. A version that is too old for Python 3.11 cannot be "
        f"locked: raise it in `{SETTINGS}`.",
        "uv sync --locked",
    )
    yield "The code has no syntax error and no undefined name.", "uv run poe lint"
    yield "There is a test, and it is green.", "uv run poe test"


def of_ci(made: Adoption, found: Found, level: str) -> Iterator[tuple[str, str]]:
    """CI and hooks."""
    command = "uv run pre-commit" if level != "ci" else "uvx pre-commit"
    yield f"Install the hooks: `{command} install`.", f"{command} run --all-files"
    if made.answers.get("ci") == "none":
        return
    yield (
        "Push the branch, and look at its checks. A CI file of the template that you do not want: "
        "`mlops update --data ci=none`.",
        f"{command} run --all-files",
    )
    mine = [path for paths in found.ci.values() for path in paths]
    if mine:
        yield (
            f"Your CI keeps running: {listed(mine)}. Remove the duplicate jobs when the new checks are green.",
            "git diff --stat",
        )


def of_pipeline(made: Adoption) -> Iterator[tuple[str, str]]:
    """Data, pipeline and model."""
    for path, where in made.proposals.items():
        yield f"`{path}` is yours; the template's is `{where}`: bring in what its commands read.", "uv run poe repro"
    package = made.answers.get("package_name")
    yield (
        "Bring in your data, and its contract: `mlops setup --dataset FILE --target COLUMN`. Data in git stays there.",
        "uv run poe contract",
    )
    yield f"Call your model from `src/{package}/model.py`, your features from `features.py`.", "uv run poe repro"


def listed(names: Iterable[str]) -> str:
    """Some names, as code."""
    return ", ".join(f"`{name}`" for name in names)
