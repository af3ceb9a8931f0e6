"""The code does what it says."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from {{ package_name }} import predict, tracking
from {{ package_name }}.contract import Contract, ContractError, load
from {{ package_name }}.predict import predictions
from {{ package_name }}.tracking import folder_md5, prediction_hash


def test_the_contract_survives_being_written_and_read(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(contract.dump(), encoding="utf-8")
    assert load(path) == contract


def test_a_contract_that_makes_no_sense_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("columns: [", encoding="utf-8")
    with pytest.raises(ContractError, match=r"contract\.yaml cannot be understood"):
        load(path)


def test_a_missing_column_is_named(contract: Contract) -> None:
    name = contract.features[0].name
    with pytest.raises(ContractError, match="Missing columns"):
        contract.coerce(contract.sample(3).drop(columns=name))


def test_rows_from_a_file_become_the_same_as_typed_rows(contract: Contract, tmp_path: Path) -> None:
    rows = contract.sample(50)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    features = [column.name for column in contract.features if column.type in ("numeric", "boolean")]
    read = contract.coerce(pd.read_csv(tmp_path / "rows.csv", dtype={name: "str" for name in contract.of_type("text")}))
    pd.testing.assert_frame_equal(read[features], contract.coerce(rows)[features])


def test_predictions_are_written_as_the_data_is(
    contract: Contract, model: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = replace(contract, source=replace(contract.source, separator=";", decimal=",", thousands=""))
    monkeypatch.setattr(predict, "load", lambda: ours)
    monkeypatch.setattr(tracking, "champion_folder", lambda: tmp_path)
    monkeypatch.setattr(tracking, "load_model", lambda _: model)
    rows, answers = tmp_path / "rows.csv", tmp_path / "answers.csv"
    ours.sample(20).drop(columns=contract.target).to_csv(rows, index=False, **ours.source.style)
    assert predict.predict(rows, answers) == 20
    asked, answered = (path.read_text(encoding="utf-8").splitlines() for path in (rows, answers))
    assert all(answer.startswith(f"{row};") for row, answer in zip(asked, answered, strict=True))
    assert "," in answered[-1].removeprefix(asked[-1])


def test_predictions_keep_the_order_of_the_rows(contract: Contract, model: object) -> None:
    rows = contract.sample(20).sample(frac=1, random_state=1)
    found = predictions(model, contract, rows)
    assert list(found.index) == list(rows.index)
    assert found["prediction"].notna().all()


def test_hashes_change_with_the_content(contract: Contract, model: object, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    before = folder_md5(tmp_path)
    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert folder_md5(tmp_path) != before
    first, second = contract.coerce(contract.sample(20, seed=1)), contract.coerce(contract.sample(20, seed=2))
    assert prediction_hash(model, first) != prediction_hash(model, second)
