"""What TensorFlow Serving is given, whatever state the registry is in: it is laid out, and what goes wrong is said."""

import shutil
from pathlib import Path

import pytest

from {{ package_name }} import tracking
from {{ package_name }}.contract import Contract
from {{ package_name }}.serving import tensorflow_serving
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
