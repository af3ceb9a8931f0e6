"""Which model answers: a new champion takes its place, and whatever goes wrong is said and stops nothing."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from fastapi.testclient import TestClient
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, using
from mlops_kit.models import Champion
from mlops_kit.serving import mlflow_server
from mlops_kit.serving.app import create_app
from mlops_kit.serving.champion import Keeper

from tests.kit.kinds import kinds
from tests.kit.projects import copied
from tests.web import Quiet, listening


class Registry(Quiet):
    """As much of an MLflow server as the service asks for; `folder` is its champion, None where it has none."""

    folder: Path | None = None
    stops_at = ""  # a part of a path: of such an answer it sends half, then for `stays` seconds nothing, then it goes
    stays = 0.0

    def do_GET(self) -> None:
        """Answer."""
        url = urlsplit(self.path)
        what = unquote(url.path.removeprefix("/api/2.0/"))
        listed = parse_qs(url.query).get("path", [""])[0]
        if self.folder is None or not self.folder.exists():
            self.say(404, dict(error_code="RESOURCE_DOES_NOT_EXIST"))
        elif what == "mlflow/registered-models/alias":
            tags = [dict(key="model_md5", value=models.folder_md5(self.folder))]
            self.say(200, dict(model_version=dict(version="3", tags=tags)))
        elif what == "mlflow/model-versions/get-download-uri":
            self.say(200, dict(artifact_uri="mlflow-artifacts:/1/models/m"))
        elif listed:
            entries = (self.folder / listed.removeprefix("1/models/m").strip("/")).iterdir()
            self.say(200, dict(files=[dict(path=entry.name, is_dir=entry.is_dir()) for entry in entries]))
        else:
            file = self.folder / what.removeprefix("mlflow-artifacts/artifacts/1/models/m/")
            self.say(200, file.read_bytes())

    def say(self, status: int, content: Any) -> None:
        """Send an answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.stops_at and self.stops_at in self.path:
            self.wfile.write(body[: len(body) // 2])
            time.sleep(self.stays)
        else:
            self.wfile.write(body)


@contextmanager
def registry(folder: Path | None, **more: Any) -> Iterator[str]:
    """A registry that runs, by its address."""
    with listening(type("Its", (Registry,), dict(folder=folder, **more))) as address:
        yield address


@pytest.fixture(autouse=True)
def here(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the project without a champion, whose service does not look by itself."""
    monkeypatch.setenv("RELOAD_SECONDS", "0")
    with using(copied(project, tmp_path / "here", "contract.yaml", "src")) as chosen:
        yield chosen


def keeper(contract: Contract) -> Keeper:
    """One that has looked once."""
    made = Keeper(contract, swapped=lambda _: None)
    made.look()
    return made


def copy(saved: Path, folder: Path, run: str) -> Path:
    """Another model: the same one under another run."""
    shutil.copytree(saved, folder)
    (folder / "run_id").write_text(run + "\n", encoding="utf-8")
    return folder


@kinds("plain", "prices")
def test_the_champion_of_a_server_is_served_and_replaced(
    contract: Contract, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(copy(saved, tmp_path / "one", "one")) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        looking = keeper(contract)
        assert looking.served.version == "one", looking.served.reason
        before = looking.served
        looking.look()
        assert looking.served is before
        (tmp_path / "one/run_id").write_text("two\n", encoding="utf-8")
        looking.look()
        assert looking.served.version == "two"
    looking.look()
    assert looking.served.version == "two"
    assert "does not answer" in looking.served.notice


def test_without_its_server_the_model_at_hand_is_served_and_ready_says_so(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MODEL_DIR", str(saved))
    with TestClient(create_app()) as client:
        found = client.get("/ready").json()
    assert found["version"] == "test"
    assert "does not answer" in found["notice"]


@pytest.mark.parametrize("stays", [0.0, 2.0], ids=["goes", "stalls"])
@pytest.mark.parametrize("stops_at", ["registered-models", "run_id"])
def test_a_server_that_stops_in_the_middle_of_an_answer_is_one_that_is_away(
    stops_at: str, stays: float, contract: Contract, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_server, "PATIENCE", 0.3)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    with registry(copy(saved, tmp_path / "one", "one"), stops_at=stops_at, stays=stays) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        looking = keeper(contract)
        assert looking.served.version == "test"
        assert "stops in the middle of an answer" in looking.served.notice


def test_while_its_server_is_away_the_champion_file_is_followed(
    contract: Contract, saved: Path, here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    looking = keeper(contract)
    for run in ("one", "two"):
        shutil.rmtree(here.root / "model", ignore_errors=True)
        md5 = models.folder_md5(copy(saved, here.root / "model", run))
        models.write_champion(Champion(1, md5, "", "", "", {}))
        looking.look()
        assert looking.served.version == run
        assert "does not answer" in looking.served.notice
    models.write_champion(Champion(1, md5, "", "", "", {}, retired="unfair"))
    looking.look()
    assert looking.served.predictor is None
    assert "is retired: unfair" in looking.served.reason


def test_what_a_server_has_withdrawn_does_not_come_back_while_it_is_away(
    contract: Contract, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    with registry(None) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        looking = keeper(contract)
    looking.look()
    assert looking.served.predictor is None
    assert "does not answer" in looking.served.reason


def test_the_champion_file_beside_an_images_model_can_retire_it(
    contract: Contract, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    looking = keeper(contract)
    assert looking.served.version == "test"
    of_another = Champion(1, "another.dir", "", "", "", {}, retired="old")
    for champion in (of_another, replace(of_another, model=models.folder_md5(saved), retired="unfair")):
        models.write_champion(champion)
        looking.look()
    assert looking.served.predictor is None
    assert "is retired: unfair" in looking.served.reason


def test_an_image_with_a_reproduced_champion_is_retired_with_the_original(
    contract: Contract, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    monkeypatch.setenv("CHAMPION_MD5", "original.dir")
    looking = keeper(contract)
    assert looking.served.version == "test"
    models.write_champion(Champion(1, "original.dir", "", "", "", {}, retired="unfair"))
    looking.look()
    assert looking.served.predictor is None
    assert "is retired: unfair" in looking.served.reason


def test_a_registry_without_a_champion_is_said(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    with registry(None) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with TestClient(create_app()) as client:
            assert client.get("/ready").status_code == 503
            assert "no champion" in client.get("/ready").json()["detail"]
            assert "no champion" in client.get("/v2/health/ready").json()["error"]


def test_the_champion_file_is_followed(
    contract: Contract, saved: Path, here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = keeper(contract)
    assert "no champion yet" in looking.served.reason
    for run in ("one", "two"):
        shutil.rmtree(here.root / "model", ignore_errors=True)
        md5 = models.folder_md5(copy(saved, here.root / "model", run))
        models.write_champion(Champion(1, md5, "", "", "", {}))
        looking.look()
        assert looking.served.version == run
    (here.root / "champion.yaml").write_text("no: champion\n", encoding="utf-8")
    looking.look()
    assert looking.served.version == "two"
    assert looking.served.notice


def test_a_retired_champion_is_served_no_more(
    contract: Contract, saved: Path, here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    md5 = models.folder_md5(copy(saved, here.root / "model", "one"))
    models.write_champion(Champion(1, md5, "", "", "", {}))
    looking = keeper(contract)
    assert looking.served.version == "one"
    models.write_champion(Champion(1, md5, "", "", "", {}, retired="unfair"))
    looking.look()
    assert looking.served.predictor is None
    assert "is retired: unfair" in looking.served.reason
    models.write_champion(Champion(1, md5, "", "", "", {}))
    looking.look()
    assert looking.served.version == "one"


def test_a_champion_that_its_server_has_withdrawn_is_served_no_more(
    contract: Contract, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(copy(saved, tmp_path / "one", "one")) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        looking = keeper(contract)
        assert looking.served.version == "one"
        shutil.rmtree(tmp_path / "one")
        looking.look()
        assert looking.served.predictor is None
        assert "has no champion" in looking.served.reason


@kinds("plain", "prices")
def test_a_model_for_other_data_is_refused(
    contract: Contract, saved: Path, of_other_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(of_other_data))
    with TestClient(create_app()) as client:
        found = client.get("/ready")
        assert found.status_code == 503
        assert f"the column {contract.features[0].name!r}" in found.json()["detail"]


def test_a_new_champion_for_other_data_does_not_take_over(
    contract: Contract, saved: Path, of_other_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(copy(saved, tmp_path / "one", "one")) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        looking = keeper(contract)
        shutil.rmtree(tmp_path / "one")
        shutil.copytree(of_other_data, tmp_path / "one")
        looking.look()
        assert looking.served.version == "one"
        assert "does not fit contract.yaml" in looking.served.notice
