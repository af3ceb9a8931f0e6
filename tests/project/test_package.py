"""A project whose library is a package of a team's index: set up, trained, and moved there and back (L3)."""

import hashlib
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from mlops_scaffold import __version__
from mlops_scaffold.ground import process

from tests.conftest import ROOT, git
from tests.project.running import RUN, environment, poe, python, trained
from tests.web import Files, listening

pytestmark = pytest.mark.long
NAME = "mlops-scaffold-kit"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index with the wheel of the template's library, built as docs/platform-teams.md says."""
    folder = tmp_path / "index/simple" / NAME
    kit = ROOT / "template/project/kit"
    build = [process.uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(kit)]
    subprocess.run(build, cwd=tmp_path, env=environment(), check=True)
    (wheel,) = folder.glob("*.whl")
    link = f"{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    (folder / "index.html").write_text(f'<a href="{link}">{wheel.name}</a>\n', encoding="utf-8")
    with listening(partial(Files, directory=str(tmp_path / "index"))) as address:
        yield f"{address}/simple"


def mlops(project: Path, *command: str) -> str:
    """A command in a project."""
    done = subprocess.run([*RUN, *command], cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_trains_and_moves_into_the_folder_and_back(
    index: str, template: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = ["--data", "kit=package", "--data", f"kit_index={index}"]
    project = trained(tmp_path / "churn", template, tmp_path_factory, "--preset", "minimal", *answers)
    where = "import mlops_kit, pathlib; print(pathlib.Path(mlops_kit.__file__).parent)"
    assert Path(python(project, where)).is_relative_to(project / ".venv")
    assert f'source = {{ registry = "{index}" }}' in (project / "uv.lock").read_text(encoding="utf-8")
    assert not (project / "kit").exists()
    champion = (project / "champion.yaml").read_bytes()
    in_ci = ["uv", "run", "--locked", "--isolated", "--only-group", "lint", "poe", "check"]
    checked = subprocess.run(in_ci, cwd=project, env=environment(), capture_output=True, text=True)
    assert "no open conflicts, no managed file edited" in checked.stdout, checked.stderr
    assert "nothing found" in mlops(project, "doctor")

    mlops(project, "update", "--defaults", "--data", "kit=vendored")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "the library in the project", cwd=project)
    assert Path(python(project, where)) == project / "kit/src/mlops_kit"
    assert 'source = { editable = "kit" }' in (project / "uv.lock").read_text(encoding="utf-8")
    assert "Data and pipelines are up to date" in dvc_status(project)
    mlops(project, "check")

    mlops(project, "update", "--defaults", *answers)
    git("commit", "--quiet", "--no-verify", "--all", "--message", "the library as a package", cwd=project)
    assert Path(python(project, where)).is_relative_to(project / ".venv")
    mlops(project, "check")
    poe(project, "setup")  # the champion answers
    assert (project / "champion.yaml").read_bytes() == champion

    (project / "pyproject.toml").write_text(newer(project), encoding="utf-8")
    locked = subprocess.run(["uv", "lock"], cwd=project, env=environment(), capture_output=True, text=True)
    assert f"there is no version of {NAME}" in locked.stderr


def dvc_status(project: Path) -> str:
    """What DVC would run again."""
    done = subprocess.run(
        ["uv", "run", "dvc", "status"], cwd=project, env=environment(), capture_output=True, text=True
    )
    return done.stdout + done.stderr


def newer(project: Path) -> str:
    """The project's settings, asking for a version that the index does not have."""
    settings = (project / "pyproject.toml").read_text(encoding="utf-8")
    return settings.replace(f"=={__version__}", "==9.9.9")
