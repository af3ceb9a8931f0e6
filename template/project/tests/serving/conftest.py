"""What the tests of the service share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from {{ package_name }} import serve, train
from {{ package_name }}.contract import Contract


@pytest.fixture(scope="session")
def saved(contract: Contract, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' own model, saved as a champion would be."""
    root = tmp_path_factory.mktemp("saved")
    (root / "src").symlink_to(Path(train.__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "ROOT", root)
        train.save(model, contract)
    (root / "model/run_id").write_text("test\n", encoding="utf-8")
    return root / "model"


@pytest.fixture
def settings(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the service is told: that model, and a prediction log in `tmp_path`."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "log"))


@pytest.fixture
def client(settings: None) -> Iterator[TestClient]:
    """The running service."""
    with TestClient(serve.create_app()) as client:
        yield client
