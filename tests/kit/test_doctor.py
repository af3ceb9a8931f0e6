"""`poe doctor`: each fault is planted in a small project, found, and named with the command that fixes it.

Commands of git, DVC and the library are run, too. tests/project/test_doctor.py runs the others, in a rendered project.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dvc.repo import Repo
from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.data import write_parts
from mlops_kit.ground import Project, using
from mlops_kit.ground.ports import free_port
from mlops_kit.training import save
from mlops_kit.workspace.doctor import CHECKS, remote
from mlops_kit.workspace.doctor import __main__ as doctor
from mlops_kit.workspace.doctor.git_checks import INSTALL
from mlops_kit.workspace.doctor.lifecycle import revisions
from mlops_kit.workspace.doctor.state import repo
from mlops_kit.workspace.setup import install_hooks

from tests.conftest import git
from tests.kit.conftest import split_of
from tests.kit.faults import (
    DEFAULT,
    FAULTS,
    REMOTE,
    Fault,
    Patient,
    champion_not_here,
    contract_broken,
    no_champion,
    no_data,
    no_hook,
    pipeline_behind,
    registry,
    store,
)
from tests.kit.projects import ROOT, copied

# The fixes that are run here: none that needs a rendered project, installs packages or asks for a password.
RUNS = re.compile(r"(?!.*( poe |mlflow db|PASSWORD|URL))(git|mkdir|mv|cp|uv run (dvc|python)) ")
ALSO = (".gitignore", ".dvc/config")  # that a rendered project has in git


@pytest.fixture(scope="module")
def healthy(
    made: Callable[[str], Project], fitted: Callable[[Project], Any], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project whose data and champion are in DVC's cache and remote. Read, never written."""
    plain, folder = made("plain"), tmp_path_factory.mktemp("clinic")
    (folder / "remote").mkdir()
    project = copied(plain, folder / "plain")
    for path in ALSO:
        text = (ROOT / "template/project" / path).read_text(encoding="utf-8")
        (project.root / path).parent.mkdir(exist_ok=True)
        (project.root / path).write_text(re.sub(r"\{[%{].*?[%}]\}\n?", "", text), encoding="utf-8")
    with (project.root / ".dvc/config").open("a", encoding="utf-8") as config:
        config.write(DEFAULT + REMOTE)
    git("init", "--quiet", "--initial-branch=main", cwd=project.root)
    with using(project):
        contract = load()
        write_parts(*split_of(contract))
        save(fitted(plain), contract, project.root / "model")
        (project.root / "plots").mkdir()
        (project.root / "plots/roc.csv").write_text("a,b\n", encoding="utf-8")
        (project.root / "metrics.json").write_text("{}", encoding="utf-8")
        with chdir(project.root), Repo() as dvc:
            dvc.add("data/raw")
            dvc.commit(force=True)
            dvc.push()
        md5 = models.folder_md5(project.root / "model")
        models.write_champion(models.Champion(1, md5, models.data_md5(), "", "", {}))
        install_hooks()
        git("add", "--all", cwd=project.root)
        git("commit", "--quiet", "--no-verify", "--message", "all", cwd=project.root)
        registry(project, next(iter(revisions().keys() - revisions().values())))
    return project


@pytest.fixture
def patient(
    healthy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Patient]:
    """A copy of it, on a machine where its ports are free."""
    shutil.copytree(healthy.root.parent, tmp_path / "clinic", symlinks=True)
    monkeypatch.chdir(tmp_path / "clinic/plain")
    for variable in ("PORT", "MLFLOW_PORT"):
        monkeypatch.setenv(variable, str(free_port()))
    uv = tmp_path / "bin/uv"
    uv.parent.mkdir()
    uv.write_text('#!/bin/sh\nshift\nexec "$@"\n', encoding="utf-8")  # `uv run` is this environment
    uv.chmod(0o755)
    programs = (str(uv.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    monkeypatch.setenv("PATH", os.pathsep.join(programs))
    with ExitStack() as stack, using(replace(healthy, root=tmp_path / "clinic/plain")) as project:
        yield Patient(project, monkeypatch, stack, capsys)
    repo.cache_clear()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.plant.__name__)
def test_a_fault_is_found_and_named_with_the_command_that_fixes_it(fault: Fault, patient: Patient) -> None:
    assert patient.found(fault.check) == {}
    fault.plant(patient)
    what, fix = next(iter(patient.found(fault.check).items()))
    assert fault.what in what
    assert fix.startswith(fault.fix)
    if RUNS.match(fix) and fault.check != "edits":
        done = subprocess.run(["bash", "-e", "-c", fix], cwd=patient.root, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        repo.cache_clear()
        assert patient.found(fault.check) == {}


# --- the whole -------------------------------------------------------------------------------------------------------


def test_a_healthy_project_has_nothing(patient: Patient) -> None:
    status = patient.git("status", "--porcelain")
    printed, code = patient.doctor()
    assert (printed, code) == (f"✓ {len(CHECKS)} checks, nothing found\n", 0)
    assert patient.git("status", "--porcelain") == status, "nothing is written"


def test_a_project_without_a_model_has_no_registry_to_miss(patient: Patient) -> None:
    patient.remove("mlflow.db", "model", "champion.yaml")
    assert patient.found("registry") == {}


def test_a_remote_that_lets_you_in_is_none(patient: Patient) -> None:
    store(patient)
    patient.write(".dvc/config.local", "['remote \"storage\"']\n    auth = basic\n    user = me\n    password = x\n")
    assert patient.found("remote") == {}


@pytest.mark.parametrize(("answer", "found"), [(None, 0), (PermissionError, 0), (FileNotFoundError, 1)])
def test_a_bucket_that_is_missing_is_told_from_an_empty_one(
    answer: type[Exception] | None, found: int, patient: Patient
) -> None:
    def info(path: str) -> None:
        raise FileNotFoundError(path)

    def ls(path: str, detail: bool) -> None:
        assert (path, detail) == ("bucket", True)
        if answer:
            raise answer

    store = SimpleNamespace(oid_to_path=lambda oid: f"/bucket/data/{oid}", fs=SimpleNamespace(info=info, ls=ls))
    cloud = SimpleNamespace(get_remote_odb=lambda name: {"storage": store}[name])
    patient.patch.setattr(remote, "repo", lambda: SimpleNamespace(cloud=cloud))
    said = [what for what, _ in remote.unreachable("storage", "s3://bucket/data")]
    missing = "the bucket of the remote storage, s3://bucket/data, is not there: make it, or fix its name"
    assert said == [missing] * found


def test_what_was_edited_since_the_pipeline_ran_is_named(patient: Patient) -> None:
    assert models.changed_since_run() == []
    pipeline_behind(patient)
    file = patient.root / "src/plain/train.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert sorted(models.changed_since_run()) == ["params.yaml", "src/plain/train.py"]
    no_data(patient)
    assert models.changed_since_run() == [], "without the data, it cannot be said"


def test_a_champion_that_was_reproduced_is_here(patient: Patient) -> None:
    champion = models.read_champion()
    assert champion
    patient.write("metrics.json", '{"prediction_sha256": ""}')
    folder = models.reproduced_champion(champion)
    champion_not_here(patient)
    assert models.champion_folder() == folder
    assert patient.found("champion-files") == {}


def test_each_finding_says_why_it_matters_and_what_hides_another_check_is_said(patient: Patient) -> None:
    contract_broken(patient)
    printed, code = patient.doctor("--skip", "imports")
    assert code == 2
    what, why, mend, *others = printed.splitlines()
    assert what.startswith("! contract: contract.yaml")
    assert why == "    Reading, checking, training and serving all go by it."
    assert mend == "    git stash push -- contract.yaml"
    assert any(re.match(r"! data, pipeline could not be looked at: contract\.yaml", line) for line in others), printed


def test_fix_runs_the_commands_that_cost_nothing_and_looks_again(patient: Patient) -> None:
    no_hook(patient)
    no_champion(patient)
    names = ("--only", "hooks,champion")
    assert patient.doctor(*names)[0].endswith("☐ --fix runs those that cost nothing: 1 of 2\n")
    printed, code = patient.doctor(*names, "--fix")
    assert code == 2, "a person has to promote"
    first, *_, last = printed.splitlines()
    assert (first, last) == (f"$ {shlex.join(INSTALL.split())}", "    uv run poe register --promote")
    assert patient.found("hooks") == {}


def test_a_check_that_does_not_exist_is_said_with_those_that_do(patient: Patient) -> None:
    patient.patch.setattr(sys, "argv", ["doctor", "--only", "weather"])
    with pytest.raises(SystemExit, match=r"^There is no check 'weather'\. There are: history, conflicts, "):
        doctor.main()
