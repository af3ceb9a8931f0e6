"""What every kind of serving asks before it follows the registry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlops_kit.contract import Contract
from mlops_kit.ground import KitError
from mlops_kit.models import ChampionError, check_signature
from mlops_kit.serving.follow import reload_seconds

from tests.kit.kinds import kinds

EVERY = kinds("grades", "prices", "truths")

Change = Callable[[Any], Any]
CHANGES: dict[str, Change] = {
    "a column is missing": lambda columns: columns[1:],
    "a column is too many": lambda columns: [*columns, dict(type="double", name="unheard of")],
    "a column is of another type": lambda columns: [{**columns[0], "type": "binary"}, *columns[1:]],
}


@EVERY
def test_the_projects_own_model_fits(contract: Contract, saved: Path) -> None:
    check_signature(saved, contract)


@EVERY
@pytest.mark.parametrize("change", CHANGES)
def test_a_model_for_other_columns_is_refused_and_the_column_named(
    change: str, contract: Contract, changed: Callable[[str, Change], Path]
) -> None:
    name = "unheard of" if change == "a column is too many" else contract.features[0].name
    with pytest.raises(ChampionError, match="does not fit") as refused:
        check_signature(changed("inputs", CHANGES[change]), contract)
    assert f"the column {name!r}" in str(refused.value)


@EVERY
def test_a_model_for_another_target_is_refused(contract: Contract, changed: Callable[[str, Change], Path]) -> None:
    folder = changed("outputs", lambda columns: [{**columns[0], "type": "binary"}])
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
    with pytest.raises(KitError, match=f"RELOAD_SECONDS is {named!r}"):
        reload_seconds()
