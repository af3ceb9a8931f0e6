"""Our own template: updated from every older version, it is what a fresh project is; components come and go."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_scaffold.creating.new import Request as NewRequest
from mlops_scaffold.creating.new import plan
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.projects.components import adding, removing
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Outcome, Request

from tests.conftest import ROOT, git
from tests.update.world import commit, forget_fetches, snapshot

SEEDS = ("features.py", "contract.yaml", "params.yaml", "model.py")
PRESETS = [path.stem for path in sorted((ROOT / "template/presets").glob("*.yml"))]
PARTS = ("copier.yml", "template")


def lay_out(folder: Path, sha: str) -> None:
    """The template as a commit of this repository had it."""
    packed = subprocess.run(["git", "archive", sha, *PARTS], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=packed, check=True)


def real_past() -> list[str]:
    """The commits that changed the template, the oldest first; none in a shallow clone or an unpacked archive."""
    said = subprocess.run(
        ["git", "log", "--reverse", "--format=%H", "--", *PARTS], cwd=ROOT, check=False, capture_output=True, text=True
    )
    shallow = git("rev-parse", "--is-shallow-repository", cwd=ROOT) if said.returncode == 0 else "true"
    return [] if shallow == "true" else said.stdout.split()


def make_old(folder: Path) -> None:
    """A past that never was: what is there now, without a component, and with other names, lines and a file more."""
    inside = folder / "template/project"
    rows = (folder / "copier.yml").read_text(encoding="utf-8")
    start, end = rows.index("    notebooks:\n"), rows.index("\n# Names that a package must not take")
    (folder / "copier.yml").write_text(rows[:start] + rows[end:], encoding="utf-8")
    shutil.rmtree(inside / "notebooks")
    package = inside / "src/{{ package_name }}"
    (package / "prepare.py").rename(package / "split.py")
    (inside / "OLD.md").write_text("# Gone in the next version\n", encoding="utf-8")
    for path in [*inside.rglob("*.py"), *inside.rglob("*.md")]:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([*lines[:-2], "# an old line\n", *lines[-2:]]), encoding="utf-8")


def made_of(folder: Path, steps: list[Callable[[], None]]) -> Path:
    """A repository of the template, each step's tree a tagged version."""
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    for number, step in enumerate(steps):
        for name in filter(folder.joinpath, PARTS):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        step()
        commit(folder, f"version {number}")
        git("tag", f"v0.{number}.0", cwd=folder)
    return folder


def lay_out_newest(folder: Path) -> None:
    """The template as it is here now."""
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "template", folder / "template")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the template with two versions; the newest is what is here now."""
    folder = tmp_path_factory.mktemp("history") / "template"

    def old() -> None:
        lay_out_newest(folder)
        make_old(folder)

    return made_of(folder, [old, lambda: lay_out_newest(folder)])


def with_past(folder: Path, commits: list[str]) -> Path:
    """A repository of the template with these commits of its past before the newest version."""
    past = [partial(lay_out, folder, sha) for sha in commits]
    return made_of(folder, [*past, lambda: lay_out_newest(folder)])


def new(template: Path, project: Path, version: str | None = None, **data: Any) -> Path:
    """A project of a version, committed."""
    forget_fetches()
    request = NewRequest(project, str(template), ref=version, defaults=True, data=data, set_up=False)
    plan(request, Report(quiet=True)).tree.write_new(project)
    git("init", "--quiet", "--initial-branch=main", cwd=project)
    commit(project, "project")
    return project


def update(project: Path, **more: Any) -> Outcome:
    forget_fetches()
    return evolve(Request(project, defaults=True, **more), Report(quiet=True))


def copier_update(project: Path) -> None:
    command = [sys.executable, "-m", "copier", "update", "--quiet", "--defaults", str(project)]
    subprocess.run(command, check=True, capture_output=True)


def without_seeds(files: dict[str, Any]) -> dict[str, Any]:
    return {name: content for name, content in files.items() if not name.endswith(SEEDS)}


def answers(project: Path) -> dict[str, Any]:
    return {key: value for key, value in read_mapping(project / ".copier-answers.yml").items() if key[0] != "_"}


def versions(history: Path) -> list[str]:
    """From the oldest to the newest."""
    return sorted(git("tag", cwd=history).split(), key=lambda tag: int(tag.split(".")[1]))


def can_render(history: Path, version: str) -> bool:
    """Some commits of the past were no template yet."""
    forget_fetches()
    try:
        open_version(named_address(str(history)), version)
        new(history, history.parent / "tried" / version / "p", version)
    except MlopsError:
        return False
    return True


@pytest.mark.long
def test_an_update_from_the_version_before_equals_a_fresh_project(history: Path, tmp_path: Path) -> None:
    equals_fresh(history, versions(history)[-2], tmp_path)


@pytest.fixture
def past() -> list[str]:
    """The commits of the template's past, the oldest first."""
    found = real_past()
    if not found:
        pytest.skip("this clone has no history (shallow, or an unpacked archive)")
    return found


@pytest.mark.long
def test_an_update_from_the_oldest_and_from_half_way_equals_a_fresh_project(past: list[str], tmp_path: Path) -> None:
    for name, commits in {"oldest": past, "half way": past[len(past) // 2 :]}.items():
        (tmp_path / name).mkdir()
        # The first few were no template yet: the first that can be rendered is meant.
        history = with_past(tmp_path / name / "template", commits[:10])
        version = next(version for version in versions(history)[:-1] if can_render(history, version))
        equals_fresh(history, version, tmp_path / name)


@pytest.mark.soak
def test_an_update_from_every_older_version_equals_a_fresh_project(past: list[str], tmp_path: Path) -> None:
    history = with_past(tmp_path / "template", past)
    found = [version for version in versions(history)[:-1] if can_render(history, version)]
    assert len(found) > 3
    for version in found:
        equals_fresh(history, version, tmp_path / version)


def equals_fresh(history: Path, version: str, folder: Path) -> None:
    """Unedited, an updated project has the bytes of a new one; edited, the edits are there as well."""
    project = new(history, folder / "churn", version)
    assert update(project).conflicts == 0
    fresh = new(history, folder / "fresh" / "churn", **answers(project))
    assert without_seeds(snapshot(project)) == without_seeds(snapshot(fresh))

    edited = new(history, folder / "edited" / "churn", version)
    mine = [path for path in edited.rglob("*.py") if ".git" not in path.parts]
    for number, path in enumerate(mine):
        path.write_text(f"# MINE {number}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    commit(edited, "work")
    update(edited)
    left = b"".join(content for content, _, _ in snapshot(edited).values())
    for number in range(len(mine)):
        assert f"# MINE {number}\n".encode() in left


@pytest.mark.long
def test_copier_has_nothing_left_to_do_after_us_and_the_other_way_round(history: Path, tmp_path: Path) -> None:
    ours = new(history, tmp_path / "ours" / "churn", versions(history)[-2])
    theirs = new(history, tmp_path / "theirs" / "churn", versions(history)[-2])
    update(ours)
    copier_update(theirs)
    assert snapshot(ours) == snapshot(theirs)
    for project in (ours, theirs):
        commit(project, "updated")
    copier_update(ours)
    outcome = update(theirs)
    assert outcome.changes == []
    assert snapshot(ours) == snapshot(theirs)
    for project in (ours, theirs):
        assert git("status", "--porcelain", cwd=project) == ""


# --- components ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project of each preset."""
    folder, index = tmp_path_factory.mktemp("presets"), "https://packages.example.com/simple"
    answers = {preset: read_mapping(ROOT / f"template/presets/{preset}.yml") for preset in PRESETS}
    return {
        preset: new(template, folder / preset / "churn", package_index=index, **answers[preset]) for preset in PRESETS
    }


def add(project: Path, name: str) -> Outcome:
    forget_fetches()
    request = Request(project, same_version=True, defaults=True)
    return evolve(request, Report(quiet=True), lambda found, version: adding(found, version, name))


def remove(project: Path, name: str, force: bool = False) -> Outcome:
    forget_fetches()
    request = Request(project, same_version=True, defaults=True, remove_edited=force)
    return evolve(request, Report(quiet=True), lambda found, version: removing(found, version, name))


def turns(project: Path, name: str, rows: dict[str, catalog.Component]) -> list[tuple[Any, str]]:
    """What to do to turn a component on or off, what needs it or stands in its way first; empty where it cannot be."""
    last = open_project(project).last
    row = rows[name]
    chosen = [one for axis in {row.axis for row in rows.values()} for one in listed(last[axis])]
    if name in chosen:
        if row.axis not in (*catalog.OPTIONAL, catalog.SEVERAL):
            return []
        dependents = [one for one in chosen if one in rows and set(rows[one].needs) & {name}]
        return [*((remove, one) for one in dependents), (remove, name)]
    missing = [] if not row.needs or set(row.needs) & set(chosen) else [row.needs[0]]
    # Another value of the same axis takes the place of the one that is there: what needed that one goes first.
    left = {one for one in chosen if one not in rows or rows[one].axis == catalog.SEVERAL or rows[one].axis != row.axis}
    in_the_way = [
        one
        for one in chosen
        if one in rows and (one in row.excludes or (rows[one].needs and not set(rows[one].needs) & {*left, name}))
    ]
    return [*((remove, one) for one in in_the_way), *((add, one) for one in missing), (add, name)]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def undone(act: Any, name: str, was: Any) -> tuple[Any, str]:
    """The way back: a choice that was switched is switched again."""
    if act is remove:
        return add, name
    return (remove, name) if isinstance(was, list) or was == "none" else (add, was)


NAMES = list(yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["components"]["default"])


PAIRS = list(product(PRESETS, NAMES))
# Each component in one preset, the presets by turns; of full size, each in every preset.
SAMPLE = {(PRESETS[place % len(PRESETS)], name) for place, name in enumerate(NAMES)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "name"), [pytest.param(*pair, marks=() if pair in SAMPLE else pytest.mark.soak) for pair in PAIRS]
)
def test_a_component_comes_and_goes(projects: dict[str, Path], template: Path, preset: str, name: str) -> None:
    """Added and removed, removed and added, or switched there and back: the same bytes."""
    project = projects[preset]
    rows = {row.name: row for row in catalog.components(open_version(named_address(str(template)), None).folder)}
    before = snapshot(project)
    steps = turns(project, name, rows)
    if not steps:
        with pytest.raises(MlopsError, match="can be switched, not removed"):
            remove(project, name)
        return
    backwards = []
    for act, one in steps:
        backwards.append(undone(act, one, open_project(project).last[rows[one].axis]))
        act(project, one)
        commit(project, one)
    assert snapshot(project) != before
    for act, one in reversed(backwards):
        act(project, one)
        commit(project, one)
    assert snapshot(project) == before


def test_an_edited_file_is_removed_by_force_alone(template: Path, tmp_path: Path) -> None:
    project = new(template, tmp_path / "churn")
    (project / "Dockerfile").write_text("FROM scratch\n# MINE\n", encoding="utf-8")
    commit(project, "work")
    before = snapshot(project)
    with pytest.raises(MlopsError, match="edited what would be removed: Dockerfile"):
        remove(project, "container")
    assert snapshot(project) == before
    outcome = remove(project, "container", force=True)
    assert not (project / "Dockerfile").exists()
    assert "MINE" in git("show", "HEAD:Dockerfile", cwd=project)
    assert [change.note for change in outcome.changes if change.path == "Dockerfile"] == [
        "with edits, which git's history keeps"
    ]


@pytest.mark.parametrize(
    ("act", "name", "said"),
    [
        (remove, "fastapi", "container needs fastapi"),
        (remove, "sklearn", "it can be switched, not removed"),
        (remove, "classification", "it can be switched, not removed"),
        (add, "fastapi", "has fastapi already"),
        (remove, "notebooks", "has no notebooks"),
        (add, "notebook", "notebooks"),
        (add, "package", "kit=package needs the address of the index that has the library"),
    ],
)
def test_what_cannot_be_said_in_one_sentence(act: Any, name: str, said: str, template: Path, tmp_path: Path) -> None:
    project = new(template, tmp_path / "churn")
    before = snapshot(project)
    with pytest.raises(MlopsError) as raised:
        act(project, name)
    assert said in str(raised.value)
    assert snapshot(project) == before


def test_an_edit_stays_when_a_component_comes(template: Path, tmp_path: Path) -> None:
    project = new(template, tmp_path / "churn", serving="none", extras=[])
    readme = project / "README.md"
    readme.write_text("MINE\n\n" + readme.read_text(encoding="utf-8"), encoding="utf-8")
    commit(project, "work")
    add(project, "fastapi")
    assert readme.read_text(encoding="utf-8").startswith("MINE\n")
    assert (project / "src/churn/serve.py").exists()
