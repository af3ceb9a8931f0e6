"""A split keeps its promise: the share that was asked for, every class in both parts, and what it says of itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlops_kit.contract import Contract, ContractError, load, row_hashes
from mlops_kit.contract.infer import infer
from mlops_kit.data import TEST, TRAIN, batches, checked_rows, folds_of, split, train_part, write_parts
from mlops_kit.data import test_part as read_test_part
from mlops_kit.ground import Project, using

from tests.kit.projects import copied, write

Prepared = Callable[..., tuple[Contract, pd.DataFrame, pd.DataFrame, str]]


@pytest.fixture
def prepared(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Splits a table, whose last column is the target, by a rule. Gives the contract, both parts, and what was said."""

    def prepare(table: dict[str, Any], rule: dict[str, Any], problem: str = "classification") -> Any:
        contract = project_of(project, tmp_path, table, rule, problem)
        with using(here_of(project, tmp_path)):
            train, test = split(contract, checked_rows(contract))
        return contract, train, test, capsys.readouterr().out

    return prepare


def here_of(project: Project, folder: Path) -> Project:
    from dataclasses import replace

    return replace(project, root=folder)


def project_of(
    project: Project, folder: Path, table: dict[str, Any], rule: dict[str, Any], problem: str = "classification"
) -> Contract:
    """A copy of the project with a table and a rule of its own."""
    copied(project, folder, "params.yaml", "pyproject.toml")
    data = folder / "data/raw/rows.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(table).to_csv(data, index=False)
    contract = infer(data, list(table)[-1], problem)[0].with_path("data/raw/rows.csv")
    write(folder / "contract.yaml", contract.dump())
    settings = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    write(folder / "params.yaml", yaml.safe_dump({**settings, "split": rule}))
    return load(folder / "contract.yaml")


def ship(rows: int = 1970) -> dict[str, Any]:
    """Rows of few kinds: three categories with 12 combinations, and a class that none of them tells for sure."""
    dice = np.random.default_rng(0)
    table = {
        "class": dice.choice(["1", "2", "crew"], rows, p=[0.1, 0.2, 0.7]),
        "sex": dice.choice(["m", "f"], rows),
        "age": dice.choice(["adult", "child"], rows, p=[0.95, 0.05]),
    }
    return {**table, "survived": np.where(dice.random(rows) < np.where(table["sex"] == "f", 0.8, 0.2), "yes", "no")}


def visits(rows: int = 600) -> dict[str, Any]:
    """Visits of 60 patients, in the order of their days; the day is text that no contract would keep as a feature."""
    dice = np.random.default_rng(1)
    patients = dice.integers(0, 60, rows)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) // 2, unit="D")
    return {
        "patient_id": patients + 1000,
        "day": days.strftime("%Y-%m-%d"),
        "value": dice.normal(size=rows).round(3),
        "ill": np.where((patients % 2).astype(bool) ^ (dice.random(rows) < 0.2), "yes", "no"),
    }


def share(train: pd.DataFrame, test: pd.DataFrame) -> float:
    return len(test) / (len(test) + len(train))


def test_few_different_rows_are_split_by_row_and_it_is_said(prepared: Prepared) -> None:
    _, train, test, said = prepared(ship(), {"test": 0.2, "seed": 42})
    assert share(train, test) == pytest.approx(0.2, abs=0.002)
    assert (train["survived"] == "yes").mean() == pytest.approx((test["survived"] == "yes").mean(), abs=0.01)
    assert "equal rows are split as others are: 100.0% of the rows have a copy" in said
    assert "20.0% of 1970 rows to test on, 20.0% asked for" in said


def test_copies_stay_on_one_side_where_they_are_few(prepared: Prepared) -> None:
    visited = pd.DataFrame(visits()).drop(columns=["patient_id", "day"])
    table = pd.concat([visited, visited.head(100)]).to_dict("list")
    contract, train, test, said = prepared(table, {"test": 0.25, "seed": 1})
    assert not set(row_hashes(contract, train)) & set(row_hashes(contract, test))
    assert share(train, test) == pytest.approx(0.25, abs=0.02)
    assert "equal rows stay on one side" in said


def test_a_part_remembers_that_copies_are_on_both_sides(prepared: Prepared, project: Project, tmp_path: Path) -> None:
    _, train, test, _ = prepared(ship(), {"test": 0.2, "seed": 42})
    with using(here_of(project, tmp_path)):
        write_parts(train, test)
        assert read_test_part().attrs == {"copies_apart": True}


def test_the_latest_rows_are_tested_by_a_column_of_dates(prepared: Prepared) -> None:
    table = visits()
    order = np.random.default_rng(5).permutation(600)
    shuffled = {name: np.asarray(values)[order] for name, values in table.items()}
    _, train, test, said = prepared(shuffled, {"by": "time", "column": "day", "test": 0.3, "seed": 1})
    assert train["day"].max() < test["day"].min()
    assert share(train, test) == pytest.approx(0.3, abs=0.005)
    assert "split by time of 'day': 30.0% of 600 rows to test on, 30.0% asked for; the test part begins at day" in said


def test_a_column_that_is_no_feature_can_be_what_is_split_by(
    prepared: Prepared, project: Project, tmp_path: Path
) -> None:
    table = {"visit": np.arange(600), **visits()}
    contract, _, test, _ = prepared(table, {"by": "time", "column": "visit", "test": 0.2, "seed": 1})
    assert "visit" in contract.ignored
    assert sorted(map(int, test["visit"])) == list(range(480, 600))
    assert list(contract.coerce(test).columns) == [column.name for column in contract.features]


def test_one_time_stays_on_one_side_and_the_share_is_told_where_it_bends(prepared: Prepared) -> None:
    table = {**visits(), "day": np.repeat(["2024-01-01", "2024-02-01", "2024-03-01"], 200)}
    table = {"day": table.pop("day"), **table}
    _, train, test, said = prepared(table, {"by": "time", "column": "day", "test": 0.2, "seed": 1})
    assert set(train["day"]).isdisjoint(test["day"])
    assert "33.3% of 600 rows to test on, 20.0% asked for" in said
    assert "rows of one time stay on one side, the most of one are 200" in said


@pytest.mark.parametrize("seed", range(3))
def test_groups_stay_whole_and_the_share_is_kept(prepared: Prepared, seed: int) -> None:
    _, train, test, said = prepared(visits(), {"by": "group", "column": "patient_id", "test": 0.2, "seed": seed})
    assert set(train["patient_id"]).isdisjoint(test["patient_id"])
    assert share(train, test) == pytest.approx(0.2, abs=0.02)
    assert set(train["ill"]) == set(test["ill"])
    assert "60 groups of patient_id stay whole" in said


def test_rows_in_the_order_of_time_and_identifiers_that_repeat_are_noticed(prepared: Prepared) -> None:
    *_, said = prepared(visits(), {"test": 0.2, "seed": 1})
    assert "think of a split by time: the rows are in the order of 'day'" in said
    assert "split: {by: group, column: 'patient_id'}" in said
    *_, said = prepared(ship(), {"test": 0.2, "seed": 1})
    assert "think of" not in said


def test_a_rare_class_is_noticed(prepared: Prepared) -> None:
    table = {**visits(), "ill": ["yes"] * 30 + ["no"] * 570}
    *_, said = prepared(table, {"test": 0.2, "seed": 1})
    assert "think of another metric: 'yes' has 5.0% of the rows, and roc_auc_ovr_weighted says little" in said
    *_, said = prepared(visits(), {"test": 0.2, "seed": 1})
    assert "another metric" not in said


SENSELESS = {
    "{by: date}": r"by is 'date'\. Give one of random, time, group",
    "{by: time}": r"by is time, and there is no column",
    "{by: group, column: patientid}": r"'patientid', which the data does not have\. Did you mean 'patient_id'",
    "{by: group, column: ill}": r"column is the target, 'ill'",
    "{by: time, column: same}": r"by 'same': it has the same value in every row",
    "{by: group, column: visit}": r"every row is a group of its own.*split.by: random",
    "{by: time, column: word}": r"holds neither dates nor numbers, such as '",
    "{by: group, column: side}": r"the class 'yes' of 'ill' is in one group",
    "{test: 1.5}": r"test is 1\.5\. Give a share",
    "{test: all}": r"test is 'all'",
    "{seed: x}": r"seed is 'x'",
    "{test: 0.001}": r"The data cannot be split: The test_size = 1 should be greater or equal to the number of classes",
}


@pytest.mark.parametrize("rule", SENSELESS)
def test_a_rule_that_cannot_be_followed_is_one_sentence(rule: str, prepared: Prepared, tmp_path: Path) -> None:
    table = visits()
    ill = table.pop("ill")
    table |= {"visit": np.arange(600), "same": 3, "word": np.resize(["oak", "elm", "ash"], 600)}
    table |= {"side": np.where(ill == "yes", "a", np.resize(["b", "c"], 600)), "ill": ill}
    with pytest.raises(ContractError, match=SENSELESS[rule]) as refused:
        prepared(table, {"seed": 1, "test": 0.2, **yaml.safe_load(rule)})
    assert "\n" not in str(refused.value)
    assert not (tmp_path / TRAIN).exists()


def test_a_class_that_would_be_in_one_part_alone_is_told(prepared: Prepared) -> None:
    table = visits()
    table["ill"] = ["first"] * 6 + list(table["ill"][6:])
    with pytest.raises(ContractError, match=r"class 'first' of 'ill' has 6 rows, none of which is in the test part"):
        prepared(table, {"by": "time", "column": "day", "test": 0.2, "seed": 1})


def test_folds_follow_the_rule_of_the_split(prepared: Prepared, project: Project, tmp_path: Path) -> None:
    contract, train, _, _ = prepared(visits(), {"by": "time", "column": "day", "test": 0.2, "seed": 1})
    with using(here_of(project, tmp_path)):
        folds = folds_of(contract, train, 3, seed=1)
        assert sorted(set(folds)) == [-1, 0, 1, 2]
        days = train["day"].groupby(folds)
        assert all(days.max()[fold] < days.min()[fold + 1] for fold in (-1, 0, 1))
    contract, train, _, _ = prepared(visits(), {"by": "group", "column": "patient_id", "test": 0.2, "seed": 1})
    with using(here_of(project, tmp_path)):
        assert (train["patient_id"].groupby(folds_of(contract, train, 3, seed=1)).nunique().sum()) == train[
            "patient_id"
        ].nunique()
    contract, train, _, _ = prepared(ship(), {"test": 0.2, "seed": 1})
    with using(here_of(project, tmp_path)):
        sizes = np.bincount(folds_of(contract, train, 4, seed=1)) / len(train)
        assert sizes == pytest.approx(np.full(4, 0.25), abs=0.01)


BY: tuple[dict[str, str], ...] = ({}, {"by": "time", "column": "day"}, {"by": "group", "column": "patient_id"})


@pytest.mark.parametrize("rule", BY)
def test_in_batches_the_same_rules_hold(rule: dict[str, Any], project: Project, tmp_path: Path) -> None:
    contract = project_of(project, tmp_path, visits(), {"test": 0.2, "seed": 1, **rule})
    with using(here_of(project, tmp_path)):
        batches.prepare_in_batches(contract)
        train, test = train_part(contract), read_test_part()
    assert share(train, test) == pytest.approx(0.2, abs=0.05)
    for way, apart in (
        ("time", train["day"].max() < test["day"].min()),
        ("group", set(train["patient_id"]).isdisjoint(test["patient_id"])),
    ):
        assert apart or rule.get("by") != way


def test_few_different_rows_keep_the_share_in_batches(project: Project, tmp_path: Path) -> None:
    contract = project_of(project, tmp_path, ship(), {"test": 0.2, "seed": 1})
    with using(here_of(project, tmp_path)):
        batches.prepare_in_batches(contract)
        train, test = train_part(contract), read_test_part()
    assert share(train, test) == pytest.approx(0.2, abs=0.02)
    assert test.attrs == {"copies_apart": True}
    assert len(pd.read_parquet(tmp_path / TEST)) + len(train) == 1970
