"""A project in a folder of a larger repository, cloned and set up by somebody else (L3)."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.project.running import RUN, environment, first, link_packages, poe

pytestmark = pytest.mark.long


@pytest.mark.parametrize("by", ["mlops", pytest.param("poe", marks=pytest.mark.soak)])
def test_a_clone_is_ready_and_the_larger_repository_takes_commits(
    by: str, template: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git("init", "--quiet", str(tmp_path / "all"), cwd=tmp_path)
    command = [*RUN, "new", "projects/churn", "-l", "--no-setup", "--preset", "minimal", "--template", str(template)]
    subprocess.run(command, cwd=tmp_path / "all", check=True, capture_output=True)
    git("add", "--all", cwd=tmp_path / "all")
    git("commit", "--quiet", "--message", "all projects", cwd=tmp_path / "all")
    git("clone", "--quiet", str(tmp_path / "all"), str(tmp_path / "clone"), cwd=tmp_path)
    project = tmp_path / "clone/projects/churn"
    link_packages(first(template, tmp_path_factory), project)
    if by == "mlops":
        done = subprocess.run([*RUN, "setup"], cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = done.stderr
    else:
        said = poe(project, "setup")
    assert "a model was trained on 200 generated rows" in said
    assert not (project / ".git").exists()

    (tmp_path / "clone/README.md").write_text("All our projects.\n", encoding="utf-8")
    git("add", "README.md", cwd=tmp_path / "clone")
    command = ["git", "commit", "--quiet", "--message", "docs: what is here"]
    committed = subprocess.run(command, cwd=tmp_path / "clone", env=environment(), capture_output=True, text=True)
    assert committed.returncode == 0, committed.stderr
    doctor = [*RUN, "doctor", "--only", "hooks", "--only", "unfinished-setup"]
    found = subprocess.run(doctor, cwd=project, env=environment(), capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
