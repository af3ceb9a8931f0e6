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

from tests.kit.projects import copied

LIBRARY = Path(mlops_kit.__file__).parent


@pytest.mark.parametrize("gone", ["contract", "data/sample.py", "ground"])
def test_a_library_that_is_half_there_is_a_sentence(gone: str, tmp_path: Path) -> None:
    kit = tmp_path / "kit/mlops_kit"
    shutil.copytree(LIBRARY, kit, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(kit / gone) if (kit / gone).is_dir() else (kit / gone).unlink()
    command = [sys.executable, "-m", "mlops_kit.data.sample"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "kit")}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
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


def test_a_project_that_names_no_version_is_not_asked(made: Callable[[str], Project], tmp_path: Path) -> None:
    own = copied(made("plain"), tmp_path / "own")
    file = own.root / "pyproject.toml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("library = ")), encoding="utf-8")
    assert Project.read(own.root).library == ""
