"""What TensorFlow Serving is given, whatever state the registry is in: it is laid out, and what goes wrong is said."""

import shutil
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from {{ package_name }} import tracking
from {{ package_name }}.contract import Contract
from {{ package_name }}.serving import mlflow_server, tensorflow_serving
from {{ package_name }}.serving.tensorflow_serving import Follower

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is laid out: nothing of this machine's own."""
    for name in ("MODEL_DIR", "CHAMPION_MD5", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tracking, "ROOT", tmp_path)
    monkeypatch.setattr(tracking, "CHAMPION_FILE", tmp_path / "champion.yaml")
    monkeypatch.setattr(tensorflow_serving, "FOLDER", tmp_path / "serving")
    return tmp_path / "serving"


def laid_out(folder: Path) -> list[str]:
    """The versions in the folder, which are those of models.config."""
    found = sorted(path.parent.name for path in folder.glob("models/*/saved_model.pb"))
    config = (folder / "models.config").read_text(encoding="utf-8")
    assert [line.split()[1] for line in config.splitlines() if "versions:" in line] == found
    return found


def test_without_its_server_the_champion_at_hand_is_served_and_that_is_said(
    contract: Contract, saved: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    shutil.copytree(saved, tmp_path / "model")
    champion = tracking.Champion(4, tracking.folder_md5(saved), "", "", "", {})
    tracking.write_champion(champion)
    follower = Follower(contract)
    told = follower.look()
    assert "served: version 4 as champion" in told
    assert f"The MLflow server at {NOBODY} does not answer" in told
    assert laid_out(folder) == ["4"]
    tracking.write_champion(tracking.Champion(4, champion.model, "", "", "", {}, retired="unfair"))
    assert "is retired: unfair" in follower.look()
    assert laid_out(folder) == []


class HalfAnAnswer(BaseHTTPRequestHandler):
    """A server that begins an answer and then says nothing more."""

    def do_GET(self) -> None:
        """Half of what it announces."""
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b'{"model_version": ')
        time.sleep(2)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
        return None


def test_a_server_that_stalls_in_the_middle_of_an_answer_is_one_that_is_away(
    contract: Contract, saved: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_server, "PATIENCE", 0.3)
    shutil.copytree(saved, tmp_path / "model")
    tracking.write_champion(tracking.Champion(4, tracking.folder_md5(saved), "", "", "", {}))
    with ThreadingHTTPServer(("127.0.0.1", 0), HalfAnAnswer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        told = Follower(contract).look()
        server.shutdown()
    assert "served: version 4 as champion" in told
    assert "stops in the middle of an answer" in told
    assert laid_out(folder) == ["4"]


def test_a_failure_that_nobody_thought_of_stops_nothing(
    contract: Contract, saved: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(contract)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    follower.look()
    monkeypatch.setattr(tensorflow_serving, "write", Mock(side_effect=OSError("No space left on device")))
    told = follower.look()
    assert "No space left on device" in told
    assert told.endswith("What is served stays.")
    assert laid_out(folder) == ["1"]


def test_the_server_does_not_outlive_who_looks_after_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELOAD_SECONDS", "0.1")
    monkeypatch.setattr(Follower, "look", Mock(side_effect=["served", MemoryError]))
    monkeypatch.setattr(tensorflow_serving, "command", lambda: ["sleep", "60"])
    server = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(tensorflow_serving.subprocess, "Popen", lambda *_, **__: server)
    monkeypatch.setattr(tensorflow_serving.signal, "signal", Mock())
    with pytest.raises(MemoryError):
        tensorflow_serving.serve()
    assert server.wait(10) == -signal.SIGTERM


def test_what_is_served_stays_whatever_goes_wrong(
    contract: Contract, saved: Path, of_other_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(contract)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    assert follower.look() == "served: version 1 as champion"
    monkeypatch.setenv("MODEL_DIR", str(of_other_data))
    assert "does not fit contract.yaml" in follower.look()
    monkeypatch.delenv("MODEL_DIR")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    assert follower.look().endswith("What is served stays.")
    assert laid_out(folder) == ["1"]


@pytest.mark.parametrize("reproduced", [False, True])
def test_a_named_folder_is_retired_with_the_champion_that_it_is(
    reproduced: bool, contract: Contract, saved: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    md5 = "original.dir" if reproduced else tracking.folder_md5(saved)
    if reproduced:
        monkeypatch.setenv("CHAMPION_MD5", md5)
    follower = Follower(contract)
    assert follower.look() == "served: version 1 as champion"
    tracking.write_champion(tracking.Champion(1, md5, "", "", "", {}, retired="unfair"))
    assert "is retired: unfair" in follower.look()
    assert laid_out(folder) == []


def test_where_nothing_can_be_served_it_says_why(
    contract: Contract, of_other_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing is served: There is no champion yet" in Follower(contract).look()
    monkeypatch.setenv("MODEL_DIR", str(of_other_data))
    assert f"the column {contract.features[0].name!r}" in Follower(contract).look()
    monkeypatch.delenv("MODEL_DIR")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    told = Follower(contract).look()
    assert "does not answer" in told
    assert "There is no champion yet" in told
    assert laid_out(folder) == []
