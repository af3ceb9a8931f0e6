"""What a person of an older project has keeps running: the seeds of every version, imports of before the library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.ground import Project, params, using
from mlops_kit.models import prediction_hash
from mlops_kit.training import save
from mlops_kit.workspace import doctor
from mlops_kit.workspace.gone import gone_names

from tests.kit.conftest import split_of
from tests.kit.projects import KINDS, copied, make

VERSIONS = sorted(path for path in (Path(__file__).parent / "seeds").iterdir() if path.is_dir())
NAMES = ("plain", "grades", "prices", "light_grades", "light_prices", "deep_grades", "deep_prices")


def older(name: str, version: Path, folder: Path) -> Project:
    """A project of a kind, with model.py and features.py as a version rendered them."""
    project = make(name, folder)
    seeds, package = version / KINDS[name].framework, folder / "src" / name
    shutil.copyfile(seeds / "features.py", package / "features.py")
    shutil.copyfile(seeds / f"model_{KINDS[name].problem}.py", package / "model.py")
    return project


def train(project: Project) -> Any:
    """A model, fitted to the first rows of the training part: few epochs or rounds where they take long."""
    contract, parameters = load(), params()["model"]
    rows = split_of(contract)[0].head(200)
    few = {"tensorflow": {"epochs": 2}, "lightgbm": {"n_estimators": 30, "n_jobs": 1}}.get(project.framework, {})
    model: Any = project.model.build(contract, {**parameters, **few})
    if project.framework != "tensorflow" and hasattr(model[-1], "trees"):  # seeds of before have the trees alone
        model.set_params(model=model[-1].trees)
    return model.fit(contract.coerce(rows), contract.labels(rows))


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", NAMES)
def test_seeds_of_before_train_as_those_of_today(
    name: str, version: Path, made: Callable[[str], Project], tmp_path: Path
) -> None:
    hashes = []
    for project in (older(name, version, tmp_path / "older"), made(name)):
        with using(project):
            test = load().coerce(split_of(load())[1])
            hashes.append(prediction_hash(train(project), test))
            assert project.model.baseline() is not None
            has_text = bool(load().of_type("text")) and project.framework != "tensorflow"
    # Their own features.py counts words, and today's library weighs them.
    assert (hashes[0] == hashes[1]) != has_text


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["prices", "light_grades", "deep_grades"])
def test_a_model_of_before_is_read_with_its_seeds_and_with_those_of_today(
    name: str, version: Path, made: Callable[[str], Project], tmp_path: Path
) -> None:
    project = older(name, version, tmp_path / "older")
    with using(project):
        rows, model = load().coerce(split_of(load())[1]), train(project)
        expected = prediction_hash(model, rows)
        save(model, load(), tmp_path / "model")
        if project.framework != "tensorflow":
            assert b"date_parts" in uncompressed(tmp_path / "model/model.skops")
        assert prediction_hash(models.load_model(tmp_path / "model"), rows) == expected
    with using(made(name)):  # whoever takes today's features.py goes on with the champion of before
        assert prediction_hash(models.load_model(tmp_path / "model"), rows) == expected


def uncompressed(file: Path) -> bytes:
    """What skops wrote of a model's structure."""
    import zipfile

    with zipfile.ZipFile(file) as archive:
        return archive.read("schema.json")


MINE = '''\
"""A module of a person's own, written before there was a library."""

from . import ROOT, params, tracking
from . import registry as r
from .contract import Contract, csv_options, load
from .data import SAMPLE_ROWS, split
from .serving.rows import RowReader
from .tracking import ChampionError, prediction_hash

FOUND = (tracking.NAME, tracking.CHAMPION_FILE, r.A_SLICE_MAY_FALL_BY, SAMPLE_ROWS, params()["split"]["seed"], ROOT)
'''


@pytest.fixture
def own(made: Callable[[str], Project], tmp_path: Path) -> Project:
    """A project of one's own to write into."""
    return copied(made("plain"), tmp_path / "own")


def write(project: Project, name: str, text: str) -> None:
    (project.root / "src" / project.package / name).write_text(text, encoding="utf-8")


def test_a_module_of_ones_own_finds_the_names_of_before(own: Project) -> None:
    write(own, "mine.py", MINE)
    with using(own):
        mine = own.module("mine")
        assert mine.FOUND[:2] == (own.name, own.root / "champion.yaml")
        assert mine.FOUND[-1] == own.root
        assert mine.load() == load()
        assert mine.tracking.read_champion() is None
        assert issubclass(mine.ChampionError, Exception)
        assert list(gone_names(own)) == []


def test_a_module_of_ones_own_goes_before_the_library(own: Project) -> None:
    write(own, "tracking.py", "NAME = 'mine'\n")
    write(own, "mine.py", "from . import tracking\nfrom .tracking import NAME\n")
    with using(own):
        assert own.module("mine").NAME == "mine" == own.module("mine").tracking.NAME


@pytest.mark.parametrize("name", ["search", "alarm"])
def test_a_command_of_before_runs(name: str, own: Project) -> None:
    command = [sys.executable, "-m", f"{own.package}.{name}", "--help"]
    env = {**os.environ, "PYTHONPATH": str(own.root / "src")}
    done = subprocess.run(command, cwd=own.root, env=env, capture_output=True, text=True)
    assert done.stdout.startswith("usage:"), done.stderr


def test_another_package_finds_nothing_here(own: Project) -> None:
    with using(replace(own, package="another")), pytest.raises(ModuleNotFoundError):
        __import__(f"{own.package}.tracking_of_nobody")


def run(project: Project, *command: str) -> None:
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)


def commit(project: Project) -> None:
    run(project, "git", "add", "--all")
    run(project, "git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--message", "work")


def test_an_edited_file_that_the_librarys_update_deletes_is_named_until_it_is_committed(own: Project) -> None:
    write(own, "registry.py", "LIMIT = 1\n")
    write(own, "alarm.py", "LIMIT = 1\n")
    (own.root / ".copier-answers.yml").write_text("_commit: 0.1.0\n", encoding="utf-8")
    run(own, "git", "init", "--quiet")
    commit(own)
    write(own, "registry.py", "LIMIT = 2\n")
    commit(own)
    with using(own):
        assert list(doctor.CHECKS["edits"].look()) == []
        for name in ("registry.py", "alarm.py"):
            (own.root / "src/plain" / name).unlink()
        (own.root / "kit").mkdir()
        (own.root / "kit/pyproject.toml").write_text("", encoding="utf-8")
        ((what, mend),) = doctor.CHECKS["edits"].look()
        assert "src/plain/registry.py is deleted, and you edited it in" in what
        run(own, *mend.split())
        commit(own)
        assert list(doctor.CHECKS["edits"].look()) == []


GONE = '''\
from . import train, tracking
from .data import prepare
from .evaluate import score
from .features import preprocessor, heights
from .tracking import client, is_no_more


def signature(contract):
    """What was in train.py."""
    return train.signature(contract), tracking.locked_md5, tracking.unheard_of
'''


def test_imports_that_lead_nowhere_are_named_with_their_line(own: Project) -> None:
    write(own, "mine.py", GONE)
    (own.root / "tests/test_mine.py").write_text("from plain.train import save\n", encoding="utf-8")
    found = [(one.file, one.line, one.module, one.name, one.instead) for one in gone_names(own)]
    mine, taken = "src/plain/mine.py", "from mlops_kit.training import"
    assert found == [
        (mine, 2, "plain.data", "prepare", ""),
        (mine, 3, "plain.evaluate", "score", f"{taken} score"),
        (mine, 5, "plain.tracking", "is_no_more", ""),
        (mine, 10, "plain.tracking", "unheard_of", ""),
        (mine, 10, "plain.train", "signature", "from mlops_kit.models import signature"),
        ("tests/test_mine.py", 1, "plain.train", "save", f"{taken} save"),
    ]
