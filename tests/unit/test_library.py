"""kit/, the library in a project: one digest a version, and what is said where it is not what it should be."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlops_scaffold import __version__, doctor
from mlops_scaffold.doctor import examine
from mlops_scaffold.doctor.registry import Place
from mlops_scaffold.ground.project import open_project
from mlops_scaffold.projects.check import check
from mlops_scaffold.projects.library import Library
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import ROOT, git, mlops
from tests.update.world import commit, forget_fetches, new_project

KIT = "template/project/kit"
SOURCE = "kit/src/mlops_kit"


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, committed."""
    return new_project(template, tmp_path_factory.mktemp("library") / "churn")


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """One that a test may break."""
    return shutil.copytree(made, tmp_path / "churn", symlinks=True)


def library(project: Path) -> Library:
    """What check finds of its library."""
    forget_fetches()
    found = check(open_project(project), open_repository(project)).library
    assert isinstance(found, Library)
    return found


def findings(project: Path) -> list[tuple[str, str]]:
    """What doctor finds of it, and the command that mends it."""
    forget_fetches()
    return [(one.what, one.mend) for one in examine(Place(open_project(project)), ["library"]).findings]


def test_the_digest_is_gits_and_the_same_in_template_and_project(template: Path, made: Path) -> None:
    found = library(made)
    assert found.digest == git("rev-parse", f"HEAD:{KIT}", cwd=template) == git("rev-parse", "HEAD:kit", cwd=made)
    assert (found.version, found.faults, found.sentence) == (__version__, [], "")
    assert findings(made) == []


def test_untracked_files_and_line_ends_do_not_matter(project: Path, tmp_path: Path) -> None:
    (project / SOURCE / "__pycache__").mkdir()
    (project / SOURCE / "__pycache__/before.cpython-311.pyc").write_bytes(b"x")
    (project / "kit/scratch.py").write_text("x = 1\n", encoding="utf-8")
    assert library(project).faults == []
    file = project / SOURCE / "before.py"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert library(project).faults == []


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "edited": (
        lambda kit: (kit / "src/mlops_kit/before.py").write_text("x = 1\n", encoding="utf-8"),
        f"edited: {SOURCE}/before.py",
        "git stash push -- kit",
    ),
    "half there": (
        lambda kit: shutil.rmtree(kit / "src/mlops_kit/contract"),
        f"missing: {SOURCE}/contract/__init__.py",
        "git stash push -- kit",
    ),
    "missing": (shutil.rmtree, "kit/ is missing: no command of the project runs", "git checkout HEAD -- kit"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_a_sentence_and_a_command_that_mends_it(fault: str, project: Path) -> None:
    break_it, sentence, command = FAULTS[fault]
    break_it(project / "kit")
    ((what, mend),) = findings(project)
    assert sentence in what
    assert mend == command == library(project).mend, "doctor and check name the same command"
    subprocess.run(mend, shell=True, cwd=project, check=True, capture_output=True)
    assert findings(project) == []


def test_committed_edits_and_files_of_ones_own_are_named_and_taken_back(project: Path) -> None:
    (project / SOURCE / "before.py").write_text("x = 1\n", encoding="utf-8")
    (project / SOURCE / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    git("rm", "--quiet", f"{SOURCE}/features.py", cwd=project)
    commit(project, "work in the library")
    found = library(project)
    assert (found.edited, found.missing, found.surplus) == (
        [f"{SOURCE}/before.py"],
        [f"{SOURCE}/features.py"],
        [f"{SOURCE}/mine.py"],
    )
    done = mlops("check", str(project), cwd=project)
    assert done.returncode == 2
    assert "drifted" not in done.stdout  # it is told once
    told = json.loads(mlops("check", str(project), "--json", cwd=project).stdout)
    assert told["library"]["surplus"] == [f"{SOURCE}/mine.py"]
    patch = mlops("diff", cwd=project).stdout
    subprocess.run(["git", "apply", "--reverse", "--include=kit/*"], cwd=project, input=patch, text=True, check=True)
    assert library(project).faults == []
    assert not (project / SOURCE / "mine.py").exists()


def test_what_a_gitignore_keeps_out_of_clones_is_named(made: Path, tmp_path: Path) -> None:
    project = shutil.copytree(made, tmp_path / "churn", ignore=shutil.ignore_patterns(".git"))
    (project / ".gitignore").write_text("data/\n", encoding="utf-8")
    git("init", "--quiet", cwd=project)
    commit(project, "all but data/")
    ((what, mend),) = findings(project)
    assert f"ignored by git: {SOURCE}/data/__init__.py" in what
    subprocess.run(mend, shell=True, cwd=project, check=True)
    assert findings(project) == []


def test_another_version_is_told_by_its_number(project: Path) -> None:
    file = project / "kit/pyproject.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(f'"{__version__}"', '"0.0.9"', 1), encoding="utf-8")
    assert library(project).sentence == f"kit/ is version 0.0.9 of the library, and the template has {__version__}"


def test_setup_says_that_the_library_is_missing(project: Path) -> None:
    shutil.rmtree(project / "kit")
    done = mlops("setup", str(project), cwd=project)
    assert done.returncode == 1
    assert "kit/, the library of the project, is missing. Restore it: git checkout HEAD -- kit" in done.stderr


@pytest.mark.parametrize("path", ["kit", "kit/", "kit/pyproject.toml", f"{SOURCE}/registry/__init__.py"])
def test_explain_says_that_the_library_is_managed(path: str, made: Path) -> None:
    told = mlops("explain", path, cwd=made).stdout
    assert "managed: nobody edits it by hand" in told
    assert "vendored" in told


def test_a_request_that_touches_the_library_asks_the_code_owners(template: Path, tmp_path: Path) -> None:
    project = new_project(template, tmp_path / "churn", ["code_owners=@example/ml"])
    assert "/kit/ @example/ml" in (project / "CODEOWNERS").read_text(encoding="utf-8").splitlines()


# --- one version -----------------------------------------------------------------------------------------------------


def version_of(text: str) -> str:
    """The version in a pyproject.toml or a module."""
    found = re.search(r'^(?:__version__|version) = "(.+)"', text, re.MULTILINE)
    assert found
    return found[1]


def problem(repository: Path) -> str:
    """Why the library's version does not fit the releases of a repository; empty where it does.

    A release has one number: its tag, the library's and the generator's. The library of a number never changes, so the
    first change after a release raises it.
    """
    here = version_of((repository / KIT / "pyproject.toml").read_text(encoding="utf-8"))
    tags = git("tag", "--merged", "HEAD", cwd=repository).split()
    for tag in git("tag", "--points-at", "HEAD", cwd=repository).split():
        if tag.removeprefix("v") != here:
            return f"the tag {tag} is on a commit whose library is {here}"
    for tag in tags:
        if tag.removeprefix("v") == here and git("diff", "--name-only", tag, "--", KIT, cwd=repository):
            return f"kit/ has changed since the release {tag}: raise its version"
    return ""


def test_a_release_has_one_number() -> None:
    kit = ROOT / KIT
    assert version_of((kit / "pyproject.toml").read_text(encoding="utf-8")) == __version__
    assert version_of((kit / "src/mlops_kit/__init__.py").read_text(encoding="utf-8")) == __version__
    assert problem(ROOT) == ""


def test_a_library_that_changed_after_its_release_needs_another_number(tmp_path: Path) -> None:
    settings = tmp_path / KIT / "pyproject.toml"
    settings.parent.mkdir(parents=True)
    git("init", "--quiet", cwd=tmp_path)
    settings.write_text('version = "0.2.0"\n', encoding="utf-8")
    commit(tmp_path)
    git("tag", "0.2.0", cwd=tmp_path)
    assert problem(tmp_path) == ""
    (settings.parent / "more.py").write_text("x = 1\n", encoding="utf-8")
    commit(tmp_path)
    assert problem(tmp_path) == "kit/ has changed since the release 0.2.0: raise its version"
    settings.write_text('version = "0.3.0"\n', encoding="utf-8")
    commit(tmp_path)
    assert problem(tmp_path) == ""
    git("tag", "v0.3.1", cwd=tmp_path)
    assert problem(tmp_path) == "the tag v0.3.1 is on a commit whose library is 0.3.0"


def test_every_release_has_kept_its_seeds() -> None:
    kept = {path.name for path in (ROOT / "tests/kit/seeds").iterdir()}
    missing = [tag for tag in git("tag", "--merged", "HEAD", cwd=ROOT).split() if tag.removeprefix("v") not in kept]
    assert missing == [], "keep them: python tools/seeds.py TAG"


def test_the_project_asks_for_the_version_that_it_gets(made: Path) -> None:
    assert f'\nlibrary = "{__version__}"' in (made / "pyproject.toml").read_text(encoding="utf-8")
    assert "library" in doctor.CHECKS


# --- line ends -------------------------------------------------------------------------------------------------------


def test_a_clone_with_autocrlf_has_the_same_bytes(made: Path, tmp_path: Path) -> None:
    git("-c", "core.autocrlf=true", "clone", "--quiet", str(made), str(tmp_path / "clone"), cwd=tmp_path)
    files = [name for name in git("ls-files", cwd=made).splitlines() if (made / name).is_file()]
    assert [name for name in files if (tmp_path / "clone" / name).read_bytes() != (made / name).read_bytes()] == []
