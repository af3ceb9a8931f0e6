"""What every kind of serving asks before it follows the registry."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ package_name }}.contract import Contract
from {{ package_name }}.serving.follow import check_signature, reload_seconds
from {{ package_name }}.tracking import ChampionError

CHANGES: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    "a column is missing": lambda columns: columns[1:],
    "a column is too many": lambda columns: [*columns, dict(type="double", name="unheard of")],
    "a column is of another type": lambda columns: [{**columns[0], "type": "binary"}, *columns[1:]],
}


def changed(saved: Path, folder: Path, part: str, change: Callable[[list[dict[str, Any]]], Any]) -> Path:
    """The same model with another signature."""
    shutil.copytree(saved, folder)
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    described["signature"][part] = json.dumps(change(json.loads(described["signature"][part])))
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def test_the_projects_own_model_fits(contract: Contract, saved: Path) -> None:
    check_signature(saved, contract)


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_for_other_columns_is_refused_and_the_column_named(
    change: str, contract: Contract, saved: Path, tmp_path: Path
) -> None:
    name = "unheard of" if change == "a column is too many" else contract.features[0].name
    with pytest.raises(ChampionError, match="does not fit") as refused:
        check_signature(changed(saved, tmp_path / "model", "inputs", CHANGES[change]), contract)
    assert f"the column {name!r}" in str(refused.value)


def test_a_model_for_another_target_is_refused(contract: Contract, saved: Path, tmp_path: Path) -> None:
    folder = changed(saved, tmp_path / "model", "outputs", lambda columns: [{**columns[0], "type": "binary"}])
    with pytest.raises(ChampionError, match="it answers binary"):
        check_signature(folder, contract)


def test_a_model_without_a_signature_is_refused(contract: Contract, tmp_path: Path) -> None:
    for text in (None, "{", "signature: {inputs: '['}"):
        if text is not None:
            (tmp_path / "MLmodel").write_text(text, encoding="utf-8")
        with pytest.raises(ChampionError, match="without a signature"):
            check_signature(tmp_path, contract)


@pytest.mark.parametrize("named", ["often", "-1", "nan", "inf"])
def test_the_interval_is_a_number_of_seconds(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELOAD_SECONDS", named)
    with pytest.raises(ValueError, match=f"RELOAD_SECONDS is {named!r}"):
        reload_seconds()
