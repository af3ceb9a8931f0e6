"""Projects that were made before there was a library keep working, by `mlops update` and by copier's own.

They are made from the template as it was, edited as people do, and updated to the template as it stands.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from mlops_scaffold.creating.new import Request as NewRequest
from mlops_scaffold.creating.new import parse_data, plan
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.projects.check import check
from mlops_scaffold.projects.library import Library
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Outcome, Request
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import ROOT, git
from tests.project.running import environment, first, link_environment, new, poe, python, serving, set_up
from tests.update.test_own_template import PARTS, lay_out
from tests.update.world import World, commit, forget_fetches, write

pytestmark = pytest.mark.long

BEFORE = "65cb194"  # the last commit without a library
KINDS = {"sklearn": [], "tensorflow": ["framework=tensorflow", "serving=tensorflow-serving"]}

MINE = '''\
"""A module of a person's own."""

from . import ROOT, tracking
from .contract import load
from .evaluate import score
from .train import signature


def champion() -> int:
    """What is served."""
    return tracking.read_champion().version


if __name__ == "__main__":
    print(champion(), load().target, (ROOT / "params.yaml").exists())
'''
SERVED = '"""A route of a person\'s own."""\n\nfrom .rows import RowReader\n\nREADERS = [RowReader]\n'
# In each file of the machinery, a line and what a person made of it.
EDITS = {
    "registry.py": ("A_SLICE_MAY_FALL_BY = 0.02", "A_SLICE_MAY_FALL_BY = 0.04321"),
    "data.py": ("SAMPLE_ROWS = 1000", "SAMPLE_ROWS = 1234"),
    "doctor.py": ("import argparse\n", "import argparse  # edited by a person\n"),
    "drift.py": ("import numpy as np\n", "import numpy as np  # edited by a person\n"),
    "train.py": ("    save(model, contract)\n", '    print("trained by hand")\n    save(model, contract)\n'),
    "serve.py": ('INTERFACE = "1.0"', 'INTERFACE = "1.0.person"'),
}
EDITED_TEST = "\n\ndef test_of_a_person() -> None:\n    assert True\n"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it was before and as it stands, tagged."""
    known = subprocess.run(["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=ROOT, capture_output=True)
    if known.returncode:
        pytest.skip(f"this clone has no history back to {BEFORE}: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("history") / "template"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    lay_out(folder, BEFORE)
    commit(folder, "before", ignored=True)
    git("tag", "0.1.0", cwd=folder)
    git("rm", "-r", "--quiet", ".", cwd=folder)
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "--", *PARTS, cwd=ROOT).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    commit(folder, "the library", ignored=True)
    git("tag", "0.2.0", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def made(history: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project of each kind, of the version before, committed."""
    folder = tmp_path_factory.mktemp("made")
    return {kind: written(history, folder / kind / "churn", data) for kind, data in KINDS.items()}


def written(history: Path, project: Path, data: list[str]) -> Path:
    """A project of the version before, in a commit."""
    asked = NewRequest(project, str(history), ref="0.1.0", defaults=True, data=parse_data(data), set_up=False)
    plan(asked, Report(quiet=True)).tree.write_new(project)
    git("init", "--quiet", "--initial-branch=main", cwd=project)
    commit(project, "project")
    return project


def edit(project: Path, *names: str) -> None:
    """Edit some files of the machinery, and a test, as a person does."""
    for name in names:
        file, (line, instead) = project / "src/churn" / name, EDITS[name]
        text = file.read_text(encoding="utf-8")
        assert line in text, name
        file.write_text(text.replace(line, instead, 1), encoding="utf-8")
    test = project / "tests/model/test_model.py"
    test.write_text(test.read_text(encoding="utf-8") + EDITED_TEST, encoding="utf-8")
    write(project, {"src/churn/mine.py": MINE, "src/churn/serving/mine.py": SERVED})
    commit(project, "work")


def update(project: Path) -> Outcome:
    """`mlops update`."""
    forget_fetches()
    return evolve(Request(project, defaults=True), Report(quiet=True))


def copier_update(project: Path) -> None:
    """`copier update`."""
    command = [sys.executable, "-m", "copier", "update", "--quiet", "--defaults", str(project)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def project(made: dict[str, Path], request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project of before that nobody has edited."""
    kind = getattr(request, "param", "sklearn")
    return shutil.copytree(made[kind], tmp_path / "churn", symlinks=True)


both_kinds = pytest.mark.parametrize("project", list(KINDS), indirect=True)


@both_kinds
def test_one_that_nobody_edited_becomes_what_a_new_one_is_but_for_its_seeds(project: Path) -> None:
    seeds = {path: path.read_bytes() for path in (project / "src/churn/model.py", project / "src/churn/features.py")}
    done = update(project)
    assert done.conflicts == 0
    assert any("uv run poe doctor" in notice for notice in done.notices)
    assert {path: path.read_bytes() for path in seeds} == seeds
    commit(project, "updated")
    standing = check(open_project(project), open_repository(project))
    assert standing.as_it_should_be
    assert isinstance(standing.library, Library)
    assert standing.library.digest == git("rev-parse", "HEAD:kit", cwd=project)
    (project / "kit/scratch.py").write_text("x = 1\n", encoding="utf-8")  # git does not track it
    assert check(open_project(project), open_repository(project)).as_it_should_be


@both_kinds
def test_what_a_person_wrote_is_carried_or_named(project: Path) -> None:
    names = [name for name in EDITS if (project / "src/churn" / name).exists() and has_line(project, name)]
    edit(project, *names)
    done = update(project)
    told = {change.path for change in done.changes if change.status in ("conflict", "kept")}
    for name in names:
        carried = any(EDITS[name][1].strip() in text(path) for path in (project / "kit").rglob("*.py"))
        assert carried or f"src/churn/{name}" in told, name
    world = World(project.parent, project)
    assert world.holds("def test_of_a_person")
    assert text(project / "src/churn/mine.py") == MINE
    assert text(project / "src/churn/serving/mine.py") == SERVED
    assert not list((project / "kit").rglob("mine.py"))


def has_line(project: Path, name: str) -> bool:
    return EDITS[name][0] in text(project / "src/churn" / name)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_an_edit_that_was_carried_into_the_library_is_named_by_check(project: Path) -> None:
    edit(project, "drift.py")
    update(project)
    git("add", "--all", cwd=project)
    git("rm", "--quiet", "--ignore-unmatch", "src/churn/drift.py", cwd=project)
    commit(project, "updated")
    carried = "edited by a person" in text(project / "kit/src/mlops_kit/monitoring/drift.py")
    library = check(open_project(project), open_repository(project)).library
    assert isinstance(library, Library)
    assert library.edited == (["kit/src/mlops_kit/monitoring/drift.py"] if carried else [])


@pytest.mark.parametrize("tracked", [True, False])
def test_a_folder_kit_of_ones_own_is_refused_with_a_way_out(project: Path, tracked: bool) -> None:
    own = {"kit/README.md": "MINE\n", "kit/tool.py": "MINE = 1\n"}
    write(project, own)
    if tracked:
        commit(project, "a kit")
    before = World(project.parent, project).snapshot()
    with pytest.raises(MlopsError, match=r"kit/ is a folder of yours.*git mv kit NAME"):
        update(project)
    assert World(project.parent, project).snapshot() == before
    (project / "kit").rename(project / "tools")
    commit(project, "renamed")
    assert update(project).conflicts == 0
    assert text(project / "tools/README.md") == "MINE\n"
    assert (project / "kit/src/mlops_kit/__init__.py").is_file()


def test_copiers_own_update_leaves_what_is_a_persons(project: Path) -> None:
    edit(project, "registry.py", "train.py")
    write(project, {"kit/README.md": "MINE\n", "kit/tool.py": "MINE = 1\n"})
    commit(project, "a kit")
    seeds = [text(project / f"src/churn/{name}.py") for name in ("model", "features")]
    copier_update(project)
    assert [text(project / f"src/churn/{name}.py") for name in ("model", "features")] == seeds
    assert text(project / "src/churn/mine.py") == MINE
    assert text(project / "src/churn/serving/mine.py") == SERVED
    assert "trained by hand" in text(project / "src/churn/train.py")
    assert text(project / "kit/tool.py") == "MINE = 1\n"
    assert "MINE" in text(project / "kit/README.md")
    # What it removes with edits is in git, and git says so.
    assert "src/churn/registry.py" in git("diff", "--name-only", "--diff-filter=D", cwd=project)
    assert "kit/README.md" in git("diff", "--name-only", "--diff-filter=U", cwd=project)


# --- really run ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(history: Path, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a project of a kind whose champion was trained by the version before, once."""
    folder = tmp_path_factory.mktemp("trained")

    def train(kind: str) -> Path:
        answers = [word for answer in KINDS[kind] for word in ("--data", answer)]
        project = new(folder / kind / "churn", history, "--no-setup", "--vcs-ref", "0.1.0", *answers)
        set_up(project, first(template, tmp_path_factory), "--run")
        return project

    return cache(train)


def settle(project: Path) -> None:
    """Settle the conflicts as a person does who does not need the edits any more: the template's."""
    for name in git("diff", "--name-only", "--diff-filter=U", cwd=project).splitlines():
        stages = git("ls-files", "--unmerged", "--", name, cwd=project).splitlines()
        if any(line.split("\t")[0].endswith(" 3") for line in stages):
            git("checkout", "--theirs", "--", name, cwd=project)
            git("add", name, cwd=project)
        else:
            git("rm", "--quiet", name, cwd=project)
    commit(project, "updated")


def answered(project: Path) -> str:
    """What the champion predicts of rows generated from the contract."""
    poe(project, "sample", "--rows", "20", "--output", "rows.csv")
    found = poe(project, "predict", "rows.csv")
    (project / "rows.csv").unlink()
    return found


def updated(made: Path, folder: Path, engine: Callable[[Path], object]) -> Path:
    """A trained project of before, edited, updated and settled; its champion answers as it did."""
    before = answered(made)
    project = shutil.copytree(made, folder / "churn", symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    link_environment(made, project)
    edit(project, "registry.py", "train.py")
    engine(project)
    settle(project)
    subprocess.run(["uv", "sync", "--quiet"], cwd=project, env=environment(), check=True)
    assert answered(project) == before
    return project


def findings(project: Path, check: str) -> str:
    """What the project's own doctor finds."""
    command = ["uv", "run", "poe", "doctor", "--only", check]
    return subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True).stdout


def runs_once_with_equal_predictions(project: Path) -> None:
    metrics = json.loads(text(project / "metrics.json"))
    poe(project, "repro")
    again = json.loads(text(project / "metrics.json"))
    assert again["prediction_sha256"] == metrics["prediction_sha256"]
    assert "Running stage" not in poe(project, "repro")
    commit(project, "trained")


@pytest.mark.parametrize("kind", ["sklearn", pytest.param("tensorflow", marks=pytest.mark.soak)])
def test_it_trains_promotes_and_serves_and_its_champion_is_read(
    kind: str, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    project = updated(trained(kind), tmp_path, update)
    (project / "params.yaml").write_text(changed(text(project / "params.yaml")), encoding="utf-8")
    poe(project, "repro")
    assert "Running stage" not in poe(project, "repro")
    commit(project, "a challenger")
    poe(project, "register", "--promote")
    commit(project, "a champion")
    if kind == "sklearn":
        with serving(project, environment()) as address:
            assert address
    else:
        poe(project, "serving-folder")
        assert list((project / "build/serving").rglob("saved_model.pb"))


def test_after_copiers_update_it_trains_and_its_own_modules_run_or_are_named(
    trained: Callable[[str], Path], tmp_path: Path
) -> None:
    def update_and_look(project: Path) -> None:
        copier_update(project)
        assert "src/churn/registry.py is deleted, and you edited it" in findings(project, "edits")

    project = updated(trained("sklearn"), tmp_path, update_and_look)
    found = findings(project, "imports")
    assert "src/churn/mine.py:5 uses score of churn.evaluate" in found
    assert "write: from mlops_kit.training import score" in found
    assert "write: from mlops_kit.models import signature" in found
    mend = MINE.replace("from .evaluate import score\nfrom .train import signature\n", "")
    (project / "src/churn/mine.py").write_text(mend, encoding="utf-8")
    assert python(project, "from churn.mine import champion; print(champion())") == "1"
    assert python(project, "from churn.serving.mine import READERS; print(len(READERS))") == "1"
    runs_once_with_equal_predictions(project)


def changed(params: str) -> str:
    """params.yaml with another seed of the model: another model, about as good."""
    head, model, rest = params.partition("\nmodel:\n")
    return head + model + rest.replace("random_state: 42", "random_state: 7", 1).replace("seed: 42", "seed: 7", 1)
