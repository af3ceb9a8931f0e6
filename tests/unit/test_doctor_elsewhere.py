"""`mlops doctor` on a project of another template: what is told makes sense there, what does not apply is left out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git, mlops
from tests.update.world import ANSWERS, Files, World, commit, make_world, write

BEHIND = {"behind": "mlops update"}


def doctor(folder: Path, *options: str, **env: str) -> dict[str, str]:
    """The commands that it names, by check; everything could be looked at."""
    found = asked(folder, *options, **env)
    assert found["unknown"] == {}
    return {one["check"]: one["mend"] for one in found["findings"]}


def asked(folder: Path, *options: str, **env: str) -> dict[str, Any]:
    """What it says as JSON."""
    done = mlops("doctor", "--json", *options, cwd=folder, **env)
    assert "Traceback" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (2 if found["findings"] or found["unknown"] else 0), done.stderr
    return found


def without_uv() -> str:
    """A PATH that has git and no uv."""
    return os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()
    )


def make(folder: Path, before: Files | None = None, questions: str = "name: demo\n") -> World:
    """A project that is one version behind."""
    return make_world(folder, before or {"README.md": "one\n"}, {"README.md": "two\n"}, questions)


def test_that_it_is_behind_is_found_and_the_command_mends_it(tmp_path: Path) -> None:
    world = make(tmp_path)
    assert doctor(world.project, PATH=without_uv()) == BEHIND
    assert mlops("update", "--defaults", cwd=world.project).returncode == 0
    assert doctor(world.project, PATH=without_uv()) == {}


def test_a_program_of_its_own_called_doctor_is_not_run(tmp_path: Path) -> None:
    """A template may ask for a package's name as ours does, and its package may have a doctor: that is not ours."""
    files = {
        "pyproject.toml": '[project]\nname = "demo"\nversion = "1"\n\n[tool.uv]\n',
        "src/demo/doctor.py": "from pathlib import Path\n\nPath('was-run').touch()\n",
    }
    world = make(tmp_path, files, "package_name: demo\n")
    python = world.project / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert doctor(world.project, PYTHONPATH="src") == BEHIND
    assert not (world.project / "was-run").exists()


def test_a_lock_file_of_uv_is_looked_at(tmp_path: Path) -> None:
    project = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
    world = make(tmp_path, {"pyproject.toml": project, "uv.lock": 'version = 1\nrequires-python = ">=3.12"\n'})
    found = doctor(world.project, PATH=without_uv())
    assert set(found) == {"behind", "uv", "lock", "packages"}
    assert found["lock"] == "uv lock"


@pytest.mark.usefixtures("strangers")
def test_a_template_that_wants_trust_is_not_run(tmp_path: Path) -> None:
    world = make(tmp_path)
    text = "name: demo\n_tasks: ['touch was-run']\n_jinja_extensions: [jinja2.ext.do]\n"
    write(world.template, {"copier.yml": text})
    commit(world.template)
    git("tag", "v3.0.0", cwd=world.template)
    assert doctor(world.project) == BEHIND
    assert not list(tmp_path.rglob("was-run"))


def test_a_template_without_versions_has_none_to_be_behind(tmp_path: Path) -> None:
    template, project = tmp_path / "template", tmp_path / "project"
    write(template, {"copier.yml": "name: demo\n", **ANSWERS})
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", str(template), str(project)]
    subprocess.run(command, check=True)
    git("init", "--quiet", cwd=project)
    commit(project)
    assert "_commit" not in (project / ".copier-answers.yml").read_text(encoding="utf-8")
    assert doctor(project) == {}
    assert doctor(project, "--fix") == {}


def test_without_a_repository_that_is_all_that_is_said_of_git(tmp_path: Path) -> None:
    world = make(tmp_path)
    shutil.rmtree(world.project / ".git")
    assert doctor(world.project) == {
        "repository": "git init --quiet && git add --all && git commit --message first",
        **BEHIND,
    }


def test_a_template_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.template.rename(tmp_path / "elsewhere")
    cache = {"MLOPS_CACHE_DIR": str(tmp_path / "cache")}
    found = asked(world.project, **cache)
    assert found["findings"] == []
    assert str(world.template) in found["unknown"].pop("behind")
    assert found["unknown"] == {}
