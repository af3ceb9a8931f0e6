"""Data that is larger than memory is checked, split and trained on as other data is: here, generated rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlops_kit.contract import Contract, ContractError, check_file, row_hashes
from mlops_kit.data import TEST, TRAIN, Rule, batches, train_part
from mlops_kit.frameworks import fit_in_batches
from mlops_kit.ground import Project, params, project, using
from mlops_kit.training import score
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tests.kit.conftest import IN_MEMORY, ROWS, limit_rows
from tests.kit.kinds import kinds
from tests.kit.projects import copied

EVERY = kinds("grades", "prices", "quoted")


def parts(contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test part, whole."""
    batches.prepare_in_batches(contract)
    train, test = (pd.read_parquet(project().root / path) for path in (TRAIN, TEST))
    return train, test


def beats_the_baseline(model: object, contract: Contract, train: pd.DataFrame, test: pd.DataFrame) -> bool:
    """Whether a model is better than a guess, by the primary metric."""
    guess = project().model.baseline().fit(contract.coerce(train), contract.labels(train))
    primary = params()["evaluate"]["primary"]
    ours, theirs = (score(one, contract, test, [primary])[primary] for one in (model, guess))
    return ours > theirs


@EVERY
def test_it_is_split_without_a_loss(large: Contract) -> None:
    assert batches.is_large(large)
    train, test = parts(large)
    whole = large.read()
    order = [column.name for column in large.columns]
    both = pd.concat([train, test])[order]
    hashes = [sorted(pd.util.hash_pandas_object(rows, index=False)) for rows in (both, whole[order])]
    assert hashes[0] == hashes[1]
    assert 0 < len(test) <= 1.5 * IN_MEMORY


def test_a_project_that_trains_on_this_machine_alone_never_works_in_batches(large: Contract) -> None:
    with using(replace(project(), compute="local")):
        assert not batches.is_large(large)


@EVERY
def test_a_row_stays_on_its_side_when_data_is_added(large: Contract) -> None:
    rows = large.read()

    def sides(frame: pd.DataFrame, seed: int) -> np.ndarray:
        hashes = pd.Series(row_hashes(large, frame))
        return batches.by_hash(hashes, np.zeros(len(frame), int), Rule(test=0.2, seed=seed))[0]

    before = sides(rows, 1)
    grown = pd.concat([large.sample(100, seed=9), rows.iloc[::-1]], ignore_index=True)
    assert (sides(grown, 1)[100:][::-1] == before).all()
    assert (sides(rows, 2) != before).any()


@EVERY
def test_a_broken_row_is_found_in_whatever_batch(large: Contract) -> None:
    assert check_file(large) == (ROWS, [])
    rows = large.read()
    column = large.features[0]
    strict = replace(large, columns=tuple(replace(one, nulls=0.0) if one == column else one for one in large.columns))
    rows.loc[ROWS - 1, column.name] = None
    rows.to_parquet(project().root / large.source.path, index=False)
    assert check_file(strict)[1] == strict.check(rows)


@pytest.mark.parametrize("limit", ["0", "many"])
def test_a_limit_that_is_no_number_of_rows_is_a_sentence(limit: str, project: Project, tmp_path: Path) -> None:
    here = copied(project, tmp_path, "params.yaml")
    limit_rows(here, limit)
    with using(here), pytest.raises(ContractError, match=r"rows_in_memory in params.yaml is .*Give a whole number"):
        batches.rows_in_memory()


@EVERY
def test_a_sample_of_the_training_part_has_every_class(large: Contract) -> None:
    train, _ = parts(large)
    sample = train_part(large)
    assert len(sample) <= IN_MEMORY + len(large.classes) < len(train)
    assert set(sample[large.target]) >= set(large.classes)
    its, all_of_it = (set(row_hashes(large, large.coerce(rows))) for rows in (sample, train))
    assert its <= all_of_it, "it is a sample of another part"


@kinds("grades", "light_prices")
def test_a_model_that_needs_all_rows_says_so(large: Contract) -> None:
    parts(large)
    needs = "partial_fit" if project().framework == "sklearn" else "cannot take them in batches"
    with pytest.raises(ContractError, match=needs):
        fit_in_batches(project().model.baseline(), large, train_part(large))


@kinds("grades", "prices")
def test_an_estimator_of_scikit_learn_is_trained_in_batches(large: Contract) -> None:
    train, test = parts(large)
    features = project().module("features").preprocessor(large)
    steps = [("missing", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())]
    estimator = SGDClassifier(loss="log_loss", random_state=42) if large.classes else SGDRegressor(random_state=42)
    model = Pipeline([("features", features), *steps, ("model", estimator)])
    fit_in_batches(model, large, train_part(large))
    assert beats_the_baseline(model, large, train, test)


@kinds("light_grades", "light_prices")
def test_lightgbm_is_trained_in_batches(large: Contract) -> None:
    train, test = parts(large)
    model = project().model.build(large, params()["model"])
    fit_in_batches(model, large, train_part(large))
    assert beats_the_baseline(model, large, train, test)


@kinds("light_grades")
def test_a_class_that_weighs_more_is_answered_more_often(large: Contract) -> None:
    _, test = parts(large)
    heavy, *others = large.classes

    def answered(weight: float) -> int:
        few = {**params()["model"], "n_estimators": 20}
        weights = {heavy: weight, **dict.fromkeys(others, 1.0)}
        model = project().model.build(large, {**few, "class_weight": weights})
        fit_in_batches(model, large, train_part(large))
        return int((model.predict(large.coerce(test)) == heavy).sum())

    assert answered(100.0) > answered(0.01)
