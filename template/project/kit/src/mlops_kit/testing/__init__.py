"""A pytest plugin with what a project's tests share; they run on generated rows where the data is not here.

    pytest_plugins = ["mlops_kit.testing"]

Fixtures: contract, parts, model, saved_model, service.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlops_kit.contract import Contract, load
from mlops_kit.data import TEST, generated_rows, split, test_part, train_part
from mlops_kit.ground import params, project
from mlops_kit.training import save

if TYPE_CHECKING:
    import pandas as pd

    from mlops_kit.testing.services import Service

ROWS = 1000  # generated, where nothing is prepared
MOST_ROWS = 5000  # that a test's model is trained on

atexit.register(gc.freeze)  # as each command of the library does


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The project's contract."""
    return load()


@pytest.fixture(scope="session")
def parts(contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A training and a test part: the prepared ones where they are here, else generated rows."""
    if (project().root / TEST).exists():
        train, test = train_part(contract), test_part()
        check_fits(contract, test)
        return train, test
    return split(contract, generated_rows(contract, ROWS))


def check_fits(contract: Contract, rows: pd.DataFrame) -> None:
    """Fail where the contract has other columns than the prepared `rows`: it was changed after the pipeline ran."""
    for column in contract.columns:
        if column.name not in rows.columns:
            reason = f"contract.yaml has the column {column.name!r}, data/prepared has not. Run: uv run poe repro"
            pytest.fail(reason, pytrace=False)


@pytest.fixture(scope="session")
def model(contract: Contract, parts: tuple[pd.DataFrame, pd.DataFrame]) -> Any:
    """A model of model.py, trained for these tests."""
    train = parts[0].head(MOST_ROWS)
    return project().model.build(contract, params()["model"]).fit(contract.coerce(train), contract.labels(train))


@pytest.fixture(scope="session")
def saved_model(contract: Contract, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model in a folder, as a champion would be."""
    folder: Path = tmp_path_factory.mktemp("saved") / "model"
    save(model, contract, folder)
    (folder / "run_id").write_text("test\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def service(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The project's service, with that model behind it."""
    from mlops_kit.testing.services import started

    with started(saved_model, tmp_path_factory.mktemp("service") / "log") as running:
        yield running
