"""The moves in a model's life say what to do next."""

import json
from pathlib import Path

import pytest
import yaml

from {{ package_name }}.contract import Contract
from {{ package_name }}.registry import RegistryError, check_same_question
from {{ package_name }}.tracking import Champion


def champion(folder: Path, target: str, *columns: str) -> Path:
    """A champion's folder, as far as it says what it was trained for."""
    inputs = json.dumps([dict(type="double", name=name) for name in columns])
    described = dict(signature=dict(inputs=inputs), metadata=dict(target=target))
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def test_a_champion_of_other_data_is_not_compared_and_it_is_said_what_to_do(contract: Contract, tmp_path: Path) -> None:
    known, incumbent = contract.features[0].name, Champion(4, "", "", "", "", {})
    check_same_question(champion(tmp_path, contract.target, known), contract, incumbent)
    with pytest.raises(RegistryError, match=r"needs the column 'unheard of'.*poe retire 4 "):
        check_same_question(champion(tmp_path, contract.target, known, "unheard of"), contract, incumbent)
    with pytest.raises(RegistryError, match="predicts 'unheard of'"):
        check_same_question(champion(tmp_path, "unheard of", known), contract, incumbent)
