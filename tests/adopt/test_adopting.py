"""`mlops adopt`: an existing repository comes under the template, and nothing of it is lost."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlops_scaffold.cli import app
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.projects.check import check
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Request as UpdateRequest
from mlops_scaffold.updating.resume import resume
from mlops_scaffold.vcs.repository import open_repository
from typer.testing import CliRunner

from tests.adopt.world import IGNORED, OLD, adopted, everything, ignored, make_repository, require_all_there, tracked
from tests.conftest import git
from tests.update.world import commit, forget_fetches, snapshot, write

LEVELS = ("ci", "package", "pipeline")
HAVE = {"ci": ".pre-commit-config.yaml", "package": "pyproject.toml", "pipeline": "kit/pyproject.toml"}


@pytest.mark.parametrize("level", LEVELS)
def test_all_that_was_there_is_there(level: str, template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    before, there, hidden, head = (
        snapshot(folder),
        tracked(folder),
        ignored(folder),
        git("rev-parse", "main", cwd=folder),
    )
    outcome = adopted(folder, template, level=level)
    require_all_there(before, folder)
    assert ignored(folder) >= hidden
    assert git("status", "--porcelain", cwd=folder) == ""
    assert git("rev-parse", "main", cwd=folder) == head
    assert git("symbolic-ref", "HEAD", cwd=folder) == "refs/heads/mlops/adopt"
    assert git("rev-list", "--reverse", "main..mlops/adopt", cwd=folder).splitlines() == outcome.commits
    first, last = tracked(folder, "HEAD~1"), tracked(folder)
    assert there.items() <= first.items()  # what has no place of its own comes in the second commit
    assert {path for path in there if last[path] != there[path]} <= {".gitignore"}
    assert HAVE[level] in first
    answers = read_mapping(folder / ".copier-answers.yml")
    assert (answers["level"], answers["ci"]) == (level, "github")
    assert "mlops check" in (folder / "ADOPT.md").read_text(encoding="utf-8")


NAMES = (
    "pyproject.toml", "setup.py", "setup.cfg", "params.yaml", "contract.yaml", "dvc.yaml", "Dockerfile", "README.md",
    "ADOPT.md", "renovate.json", ".pre-commit-config.yaml", ".github", "tests/conftest.py", "src", "src/app/model.py",
    "monitoring", "Monitoring/a.txt", ".dvc/config", ".gitattributes", "compose.yaml", ".copier", "jenkinsfile",
)  # fmt: skip
IGNORES = ("*.yml\n", "/src/\n", "!*.csv\n", ".github/\n", "/data/*\n!/data/raw/\n", "*\n!*/\n!*.py\n")


@pytest.mark.parametrize("seed", range(8))
def test_whatever_names_a_repository_has_it_loses_nothing(seed: int, template: Path, tmp_path: Path) -> None:
    dice = random.Random(seed)
    chosen = dice.sample(NAMES, 9)
    files = {name: f"{name} of mine\n" for name in chosen if not any(other.startswith(f"{name}/") for other in chosen)}
    hidden = {"data/raw/a.csv": "1\n", "src/local.py": "2\n", "b.yml": "3\n"}
    hidden = {path: text for path, text in hidden.items() if path.split("/")[0] not in files}
    folder = make_repository(tmp_path / "app", {**files, ".gitignore": dice.choice(IGNORES)}, hidden)
    there = tracked(folder)
    for path in git("ls-files", "--others", "--exclude-standard", cwd=folder).splitlines():
        (folder / path).unlink()
    before, kept = snapshot(folder), ignored(folder)
    adopted(folder, template, level=dice.choice(LEVELS))
    require_all_there(before, folder)
    assert ignored(folder) >= kept
    assert git("status", "--porcelain", cwd=folder) == ""
    after = tracked(folder)
    assert {path for path in there if after.get(path) != there[path]} <= {".gitignore"}
    assert not kept & set(after)


def test_a_dry_run_writes_nothing(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    adopted(make_repository(tmp_path / "other" / "churn"), template)  # the cache knows the template
    before = everything(folder)
    outcome = adopted(folder, template, level="package", dry_run=True)
    assert everything(folder) == before
    assert {one.path: one.status for one in outcome.changes} == {
        ".copier-answers.yml": "added",
        ".github/workflows/ci.yml": "conflict",
        ".gitignore": "updated",
        ".mlops/conflicts.yml": "added",
        ".pre-commit-config.yaml": "added",
        "ADOPT.md": "added",
        "pyproject.toml": "added",
        "renovate.json": "added",
    }
    assert outcome.commits == []


def test_what_both_have_is_settled_with_gits_own_tools(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    adopted(folder, template)
    project, repository = open_project(folder), open_repository(folder)
    assert check(project, repository).conflicts == {".github/workflows/ci.yml": "both added, in .mlops/conflicts.yml"}
    assert resume(folder, Report(quiet=True)).conflicts == 1
    stages = git("ls-files", "--unmerged", cwd=folder).splitlines()
    assert [line.split()[2] for line in stages] == ["2", "3"]
    text = (folder / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert "name: mine" in text
    assert "uvx ruff@" in text
    git("checkout", "--quiet", "--theirs", ".github/workflows/ci.yml", cwd=folder)
    commit(folder, "settled")
    found = check(project, repository)
    assert (found.conflicts, found.drifted, found.behind) == ({}, [], False)


@pytest.mark.long
@pytest.mark.parametrize("level", ["ci", "package"])
def test_updates_go_on_with_ours_and_with_copier(level: str, template: Path, tmp_path: Path) -> None:
    released = Path(shutil.copytree(template, tmp_path / "template.git"))
    git("tag", "v1.0.0", cwd=released)
    folder = make_repository(tmp_path / "churn", {**OLD, ".github/workflows/ci.yml": None, "Makefile": "all:\n"})
    adopted(folder, released, level=level)
    write(released, {"template/project/extra.md": "of the pipeline\n"})
    hooks = released / "template/parts/adopted/pre-commit-config.yaml"
    hooks.write_text(hooks.read_text(encoding="utf-8") + "# newer\n", encoding="utf-8")
    commit(released, "newer")
    git("tag", "v2.0.0", cwd=released)
    theirs = Path(shutil.copytree(folder, tmp_path / "theirs" / "churn", symlinks=True))
    forget_fetches()
    outcome = evolve(UpdateRequest(folder, defaults=True), Report(quiet=True))
    assert {one.path for one in outcome.changes} == {".copier-answers.yml", ".pre-commit-config.yaml"}
    command = [sys.executable, "-m", "copier", "update", "--quiet", "--defaults", str(theirs)]
    subprocess.run(command, check=True, capture_output=True)
    assert snapshot(folder) == snapshot(theirs)
    commit(folder, "updated")
    forget_fetches()
    evolve(UpdateRequest(folder, defaults=True, same_version=True, data={"level": "pipeline"}), Report(quiet=True))
    assert (folder / "kit/pyproject.toml").is_file()
    assert (folder / "extra.md").is_file()


def test_packages_keep_their_versions_and_their_index(template: Path, tmp_path: Path) -> None:
    index = "--index-url https://packages.example.com/simple\n"
    folder = make_repository(tmp_path / "churn", {"requirements.txt": f"{index}pandas==2.2.0\n-e .\n"}, {})
    outcome = adopted(folder, template, level="package")
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert 'legacy = [\n  "pandas==2.2.0",\n]' in text
    assert 'url = "https://packages.example.com/simple"' in text
    assert "requirements.txt, line 3: an editable install of a folder; not taken over" in outcome.notices


def test_the_whole_pipeline_leaves_the_packages_to_a_person(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    adopted(folder, template, level="pipeline")
    assert "scikit-learn==1.5.0" not in (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert "`requirements.txt` stays" in (folder / "ADOPT.md").read_text(encoding="utf-8")


def test_the_level_ci_says_how_requirements_come_in_later(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn", {"requirements.txt": "pandas==2.2.0\n"}, {})
    adopted(folder, template, level="ci")
    page = (folder / "ADOPT.md").read_text(encoding="utf-8")
    assert "`mlops update --data level=package`, and then `uv add --group legacy -r requirements.txt`" in page


@pytest.mark.parametrize(
    ("path", "text"), [("setup.py", "raise SystemExit\n"), ("setup.cfg", "[metadata]\nname = a\n")]
)
def test_a_repository_that_is_a_package_keeps_what_defines_it(
    path: str, text: str, template: Path, tmp_path: Path
) -> None:
    folder = make_repository(tmp_path / "churn", {path: text, "requirements.txt": "pandas\n"}, {})
    adopted(folder, template, level="package")
    assert not (folder / "pyproject.toml").exists()
    assert "pyproject.toml" in check(open_project(folder), open_repository(folder)).conflicts


def test_a_file_that_is_not_in_git_is_not_written_over(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn", OLD, {**IGNORED, ".git/info/exclude": "renovate.json\n"})
    write(folder, {"renovate.json": "of mine alone\n"})
    outcome = adopted(folder, template)
    assert (folder / "renovate.json").read_text(encoding="utf-8") == "of mine alone\n"
    assert "renovate.json" not in tracked(folder)
    assert {one.path: one.note for one in outcome.changes}["renovate.json"] == "git ignores it here"


def test_the_command_says_what_comes_next(template: Path, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "churn")
    words = ["adopt", str(folder), "--defaults", "--template", str(template)]
    planned = CliRunner().invoke(app, [*words, "--dry-run", "--json"])
    assert (planned.exit_code, json.loads(planned.stdout)["conflicts"]) == (2, 1)
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 2, said.output
    assert "conflict  .github/workflows/ci.yml" in said.output
    assert "mlops update --resume" in said.output
