"""The moves in a model's life say what to do next."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from {{ package_name }} import registry
from {{ package_name }}.contract import Contract
from {{ package_name }}.tracking import Champion

LIVES = ((3, "challenger"), (2, "champion"))


def champion(folder: Path, target: str, *columns: str) -> Path:
    """A champion's folder, as far as it says what it was trained for."""
    inputs = json.dumps([dict(type="double", name=name) for name in columns])
    described = dict(signature=dict(inputs=inputs), metadata=dict(target=target))
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def test_a_champion_of_other_data_is_not_compared_and_it_is_said_what_to_do(contract: Contract, tmp_path: Path) -> None:
    known, incumbent = contract.features[0].name, Champion(4, "", "", "", "", {})
    registry.check_same_question(champion(tmp_path, contract.target, known), contract, incumbent)
    with pytest.raises(registry.RegistryError, match=r"needs the column 'unheard of'.*poe retire 4 "):
        registry.check_same_question(champion(tmp_path, contract.target, known, "unheard of"), contract, incumbent)
    with pytest.raises(registry.RegistryError, match="predicts 'unheard of'"):
        registry.check_same_question(champion(tmp_path, "unheard of", known), contract, incumbent)


def test_it_is_said_where_champion_yaml_and_the_registry_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    now = datetime.now(UTC)
    every = [registry.Registered(number, life, {}, "", "", now, model=f"model-{number}") for number, life in LIVES]
    assert registry.disagreement(every, Champion(2, "model-2", "", "", "", {})) == []
    _, told = registry.disagreement(every, Champion(1, "model-1", "", "", "", {}))
    assert told.startswith("champion.yaml names version 1 (model model-1), in the registry version 2 is champion.")
    assert "champion.yaml names no model" in registry.disagreement(every, None)[1]
    assert registry.disagreement(every[:1], Champion(2, "model-2", "", "", "", {}, retired="unfair")) == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "Served is the registry's" in registry.disagreement(every, None)[1]


def test_a_slice_that_falls_is_named_with_its_rows() -> None:
    old = {name: dict(rows=40, r2=0.5) for name in ("a=1", "a=2", "a=3")}
    new = {"a=1": dict(rows=40, r2=-9.0), "a=2": dict(rows=40, r2=0.6)}
    assert registry.fallen(new, old, "r2") == ["a=1 (-9.0000, was 0.5000, on 40 rows)"]
