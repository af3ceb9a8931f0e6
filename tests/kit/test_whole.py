"""A library that is incomplete, or of another version than the project asks for: one sentence and a next step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlops_kit
import pytest
from mlops_kit.ground import Project, ProjectError

from tests.conftest import git
from tests.kit.projects import copied

LIBRARY = Path(mlops_kit.__file__).parent


def library_in(folder: Path) -> Path:
    """A copy of the library."""
    return shutil.copytree(LIBRARY, folder / "mlops_kit", ignore=shutil.ignore_patterns("__pycache__"))


def run(module: str, library: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of a copy of the library, in a folder."""
    env = {**os.environ, "PYTHONPATH": str(library.parent)}
    command = [sys.executable, "-m", f"mlops_kit.{module}"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("gone", ["contract", "data/sample.py", "ground"])
def test_a_library_that_is_half_there_is_a_sentence(gone: str, tmp_path: Path) -> None:
    kit = library_in(tmp_path / "kit")
    shutil.rmtree(kit / gone) if (kit / gone).is_dir() else (kit / gone).unlink()
    done = run("data.sample", kit, tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    module = f"mlops_kit.{gone.removesuffix('.py').replace('/', '.')}"
    assert f"The library is incomplete: {kit} has no module {module}. Restore it: " in done.stderr
    assert "git checkout HEAD -- kit" in done.stderr


def test_an_optional_name_is_still_an_ordinary_error() -> None:
    with pytest.raises(ImportError, match="cannot import name"):
        exec("from mlops_kit.models import nothing_of_that_name")


def test_another_version_than_was_asked_for_is_a_sentence(made: Callable[[str], Project], tmp_path: Path) -> None:
    own = copied(made("plain"), tmp_path / "own")
    assert own.library == mlops_kit.__version__
    file = own.root / "pyproject.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(mlops_kit.__version__, "9.9.9"), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"requires 9\.9\.9\. Check both out of one commit"):
        Project.read(own.root)


def test_a_package_that_is_half_there_or_of_another_version_is_installed_again(
    made: Callable[[str], Project], tmp_path: Path
) -> None:
    package, own = library_in(tmp_path / "site-packages"), copied(made("plain"), tmp_path / "own")
    file = own.root / "pyproject.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(mlops_kit.__version__, "9.9.9"), encoding="utf-8")
    older = run("workspace.check", package, own.root)
    assert older.returncode == 1
    assert f"mlops-scaffold-kit {mlops_kit.__version__} is installed, and [tool.mlops] in" in older.stderr
    assert "requires 9.9.9. Run: uv sync." in older.stderr
    (package / "data/sample.py").unlink()
    half = run("data.sample", package, own.root)
    assert "Restore it: uv sync --reinstall-package mlops-scaffold-kit" in half.stderr


def test_files_of_the_folder_beside_the_package_are_named(made: Callable[[str], Project], tmp_path: Path) -> None:
    package, own = library_in(tmp_path / "site-packages"), copied(made("plain"), tmp_path / "own")
    (own.root / "kit/src/mlops_kit").mkdir(parents=True)
    (own.root / "kit/src/mlops_kit/mine.py").write_text("MINE = 1\n", encoding="utf-8")
    git("init", "--quiet", cwd=own.root)
    git("add", "kit", "pyproject.toml", cwd=own.root)
    git("commit", "--quiet", "--message", "both", cwd=own.root)
    done = run("workspace.check", package, own.root)
    assert done.returncode == 2, done.stderr
    assert "unused: kit/src/mlops_kit (the library is the package mlops-scaffold-kit: git rm -r" in done.stdout


def test_a_project_that_names_no_version_is_not_asked(made: Callable[[str], Project], tmp_path: Path) -> None:
    own = copied(made("plain"), tmp_path / "own")
    file = own.root / "pyproject.toml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("library = ")), encoding="utf-8")
    assert Project.read(own.root).library == ""
