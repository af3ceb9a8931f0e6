"""What the library's tests share: fixture projects, each made once a worker, and the model of each.

A test works for the project `plain`; for others it is parametrised: `@kinds("grades", "prices")`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from mlops_kit.contract import Contract, Source, files, load
from mlops_kit.data import checked_rows, split
from mlops_kit.ground import Project, params, using
from mlops_kit.training import save

from tests.kit.programs import Program
from tests.kit.projects import copied, make

ROWS, IN_MEMORY = 2000, 500  # of a file that is larger than memory is to be
Parts = tuple[pd.DataFrame, pd.DataFrame]
OF_A_MACHINE = ("CHAMPION_MD5", "HOST", "MLFLOW_TRACKING_URI", "MODEL_DIR", "PORT", "PREDICTION_LOG", "WITHOUT_REMOTE")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """Makes the project of a kind, once."""
    folder = tmp_path_factory.mktemp("projects")
    return cache(lambda name: make(name, folder / name))


@pytest.fixture(scope="session")
def fitted() -> Callable[[Project], Any]:
    """Gives the model of a project, fitted to its training part, once."""

    def fit(project: Project) -> Any:
        with using(project):
            contract = load()
            train, _ = split_of(contract)
            return project.model.build(contract, params()["model"]).fit(contract.coerce(train), contract.labels(train))

    return cache(fit)


@pytest.fixture(scope="session")
def kept(fitted: Callable[[Project], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Project], Path]:
    """Gives a folder with that model, as a champion is kept, once."""

    def keep(project: Project) -> Path:
        folder = tmp_path_factory.mktemp("kept") / "model"
        with using(project):
            save(fitted(project), load(), folder)
        (folder / "run_id").write_text("test\n", encoding="utf-8")
        return folder

    return cache(keep)


def split_of(contract: Contract) -> Parts:
    """The training and the test part of the project that is worked for; nothing is written."""
    settings = params()["split"]
    return split(contract, checked_rows(contract), settings["test"], settings["seed"])


@pytest.fixture(autouse=True)
def _no_setting_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_A_MACHINE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(request: pytest.FixtureRequest, made: Callable[[str], Project]) -> Iterator[Project]:
    """The project that the test works for. Its folder is shared: a test that writes takes a copy."""
    with using(made(getattr(request, "param", "plain"))) as chosen:
        yield chosen


@pytest.fixture
def installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes import its package, as in an environment of its own."""
    monkeypatch.setenv("PYTHONPATH", str(project.root / "src"))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Program]:
    """Puts a stand-in on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("CONTAINER_ENGINE", "CONTAINER_OPTIONS", "DOCKER_HOST", "IMAGE", "REGISTRY_USER", "REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return lambda name: Program(folder, name)


@pytest.fixture
def contract(project: Project) -> Contract:
    """Its contract."""
    return load()


@pytest.fixture
def parts(contract: Contract) -> Parts:
    """Its training and test part."""
    return split_of(contract)


@pytest.fixture
def model(project: Project, fitted: Callable[[Project], Any]) -> Any:
    """Its model, fitted."""
    return fitted(project)


@pytest.fixture
def saved(project: Project, kept: Callable[[Project], Path]) -> Path:
    """A folder with its model; read, never written."""
    return kept(project)


@pytest.fixture
def changed(saved: Path, tmp_path: Path) -> Callable[[str, Callable[[Any], Any]], Path]:
    """Makes of the same model one with another signature: of the inputs or the outputs something else."""

    def change(part: str, made: Callable[[Any], Any]) -> Path:
        folder = tmp_path / "of other data"
        shutil.copytree(saved, folder)
        described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        described["signature"][part] = json.dumps(made(json.loads(described["signature"][part])))
        (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
        return folder

    return change


@pytest.fixture
def of_other_data(changed: Callable[[str, Callable[[Any], Any]], Path]) -> Path:
    """The same model, as if the first of its columns had another name."""
    return changed("inputs", lambda columns: [{**columns[0], "name": "unheard of"}, *columns[1:]])


@pytest.fixture
def large(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """The contract of a file with more rows than are to be in memory, in a project that works in batches."""
    monkeypatch.setattr(files, "BATCH", 300)
    here = replace(copied(project, tmp_path, "contract.yaml", "params.yaml", "src"), compute="ray")
    limit_rows(here, IN_MEMORY)
    with using(here):
        contract = replace(load(), source=Source("rows.parquet", format="parquet"))
        contract.sample(ROWS).to_parquet(tmp_path / "rows.parquet", index=False)
        yield contract


def limit_rows(project: Project, rows: object) -> None:
    """Let params.yaml say how many rows are to be in memory."""
    file = project.root / "params.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("split:\n", f"split:\n  rows_in_memory: {rows}\n"), encoding="utf-8"
    )
