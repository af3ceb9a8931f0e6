"""The contract: written and read, rows typed and checked by it, rows generated from it."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd
import pytest
from mlops_kit.contract import Column, Contract, ContractError, convert, load, to_numbers
from mlops_kit.data.sample import as_written
from mlops_kit.ground import Project, using
from mlops_kit.workspace import data as workspace

from tests.kit.kinds import kinds
from tests.kit.projects import copied

EVERY = kinds("grades", "prices", "truths", "many", "one", "quoted", "wide")


# --- contract.yaml ---------------------------------------------------------------------------------------------------


@EVERY
def test_the_contract_survives_being_written_and_read(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(contract.dump(), encoding="utf-8")
    assert load(path) == contract


SENSELESS = {
    "columns: [": r"contract\.yaml cannot be understood",
    "": r"contract\.yaml cannot be understood",
    "columns: {a: {type: number}}": r"Column 'a' in contract\.yaml has the unknown type 'number'\. Types are: numeric,",
    "columns: {a: {type: text, size: 3}}": r"Column 'a' in contract\.yaml has no setting 'size'",
    "columns: {a: {type: numeric, max: 1e5}}": r"the setting 'max' is '1e5', which is not a number\. Write digits",
    "columns: {a: {type: numeric, nulls: few}}": r"the setting 'nulls' is 'few', which is not a number",
    "columns: {a: {type: text, min: 3}}": r"the setting 'min' is not for text columns\. Remove it, or",
}


@pytest.mark.parametrize("text", SENSELESS)
def test_a_contract_that_makes_no_sense_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=SENSELESS[text]) as refused:
        load(path)
    assert "\n" not in str(refused.value)


def test_a_target_that_is_no_column_and_a_file_that_is_missing_are_said(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    with pytest.raises(ContractError, match=r"is missing\. Write it with: uv run poe contract FILE"):
        load(path)
    path.write_text(replace(contract, target="unheard of").dump(), encoding="utf-8")
    with pytest.raises(ContractError, match="The target 'unheard of' is not among the columns"):
        load(path)


@kinds("grades", "prices", "many", "quoted")
def test_the_contract_names_the_data_in_the_same_way_on_windows(
    project: Project, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows.csv"
    as_written(contract, contract.sample(1000)).to_csv(file, index=False)
    monkeypatch.setattr(workspace, "RAW", PureWindowsPath("data/raw"))
    monkeypatch.setattr(workspace, "replace_raw", lambda _: None)
    monkeypatch.setattr(workspace, "version_raw", lambda _: None)
    with using(copied(project, tmp_path / "copy", "contract.yaml")) as here:
        workspace.bring_in(file, contract.target, contract.problem, in_git=False, commit=False)
        assert load(here.root / "contract.yaml").source.path == "data/raw/rows.csv"


@kinds("grades")
def test_a_contract_that_was_inferred_before_is_taken_without_a_look_at_the_file(
    project: Project, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, inferred = tmp_path / "rows.csv", tmp_path / "inferred.yaml"
    file.write_text("not looked at\n", encoding="utf-8")
    inferred.write_text(replace(contract, rows=12345).dump(), encoding="utf-8")
    monkeypatch.setattr(workspace, "compiling", lambda *_: nullcontext())
    monkeypatch.setattr(workspace, "version_raw", lambda _: None)
    with using(copied(project, tmp_path / "copy", "contract.yaml")) as here:
        workspace.bring_in(file, contract.target, contract.problem, False, False, inferred)
        found = load(here.root / "contract.yaml")
        assert (found.rows, found.source.path) == (12345, "data/raw/rows.csv")
        assert (here.root / found.source.path).read_text(encoding="utf-8") == "not looked at\n"


# --- rows ------------------------------------------------------------------------------------------------------------


@EVERY
def test_generated_rows_keep_the_contract(contract: Contract) -> None:
    assert contract.check(contract.sample(200)) == []


@EVERY
def test_a_broken_row_is_found(contract: Contract) -> None:
    rows = contract.sample(200)
    rows[contract.target] = None
    assert any(repr(contract.target) in violation for violation in contract.check(rows))


@EVERY
def test_a_missing_column_is_named(contract: Contract) -> None:
    name = contract.features[0].name
    with pytest.raises(ContractError, match="Missing columns"):
        contract.coerce(contract.sample(3).drop(columns=name))


@kinds("grades", "prices", "truths", "quoted")
def test_rows_from_a_file_become_the_same_as_typed_rows(contract: Contract, tmp_path: Path) -> None:
    rows = contract.sample(50)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    features = [column.name for column in contract.features if column.type in ("numeric", "boolean")]
    read = contract.coerce(pd.read_csv(tmp_path / "rows.csv", dtype=dict.fromkeys(contract.of_type("text"), "str")))
    pd.testing.assert_frame_equal(read[features], contract.coerce(rows)[features])


@pytest.mark.parametrize("written", ["", "%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S%z"])
def test_dates_with_a_time_zone_are_read_in_utc_beside_those_without(contract: Contract, written: str) -> None:
    sent = ["2026-01-31", None, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00-05:00"]
    read = convert(contract, Column("day", "date", format=written), pd.Series(sent, dtype=object))
    assert read.dtype == "datetime64[us]"
    assert read.dt.strftime("%d %H").tolist() == ["31 00", np.nan, "31 12", "31 10", "31 17"]


@pytest.mark.parametrize("written", ["", "%Y-%m-%d", "%d.%m.%Y"])
@pytest.mark.parametrize("word", ["now", "today", "soon"])
def test_a_word_is_no_date(contract: Contract, written: str, word: str) -> None:
    with pytest.raises(ContractError, match=f"{word}' is no date"):
        convert(contract, Column("day", "date", format=written), pd.Series(["2026-01-31", word], dtype=object))


def test_points_between_thousands_are_no_decimal_points() -> None:
    written = pd.Series(["1.500", "1.234.567,5", "950", "1.5", "0.125"])
    assert to_numbers(written, ",", ".").dropna().tolist() == [1500, 1234567.5, 950]
