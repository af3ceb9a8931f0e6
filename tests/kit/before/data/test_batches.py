"""Data that is larger than memory is checked, split and trained on as other data is: here, generated rows."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
{% if framework == 'sklearn' %}
from sklearn.impute import SimpleImputer
{% if problem == 'classification' %}
from sklearn.linear_model import SGDClassifier as Estimator
{% else %}
from sklearn.linear_model import SGDRegressor as Estimator
{% endif %}
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
{% endif %}

from {{ package_name }} import batches, data, params, train_batches
from {{ package_name }}.contract import Contract, ContractError, Source, check_file, row_hashes
from {{ package_name }}.evaluate import score
{% if framework == 'sklearn' %}
from {{ package_name }}.features import preprocessor
{% endif %}
from {{ package_name }}.model import baseline{% if framework != 'sklearn' %}, build{% endif %}


ROWS, IN_MEMORY = 2000, 500


@pytest.fixture
def large(contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """The contract of a file with more rows than are to be in memory."""
    monkeypatch.setattr("{{ package_name }}.contract.BATCH", 300)
    monkeypatch.setattr(batches, "rows_in_memory", lambda: IN_MEMORY)
    for module in (batches, data, train_batches):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    rows = contract.sample(ROWS)
    if (~rows[[column.name for column in contract.features]].duplicated()).sum() < ROWS / 10:
        pytest.skip("rows of this contract are too much alike to be split by what is in them")
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    return replace(contract, source=Source(str(tmp_path / "rows.parquet"), format="parquet"))


def parts(contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test part, whole."""
    settings = params()["split"]
    batches.prepare(contract, settings["test"], settings["seed"])
    train, test = (pd.read_parquet(data.ROOT / path) for path in (data.TRAIN, data.TEST))
    return train, test


def test_it_is_split_without_a_loss(large: Contract) -> None:
    assert batches.is_large(large)
    train, test = parts(large)
    whole = large.read()
    order = [column.name for column in large.columns]
    both = pd.concat([train, test])[order]
    hashes = [sorted(pd.util.hash_pandas_object(rows, index=False)) for rows in (both, whole[order])]
    assert hashes[0] == hashes[1]
    assert 0 < len(test) <= 1.5 * IN_MEMORY


def test_a_row_stays_on_its_side_when_data_is_added(large: Contract) -> None:
    rows = large.read()
    before = batches.in_test(large, rows, 0.2, seed=1)
    grown = pd.concat([large.sample(100, seed=9), rows.iloc[::-1]], ignore_index=True)
    assert (batches.in_test(large, grown, 0.2, seed=1)[100:][::-1] == before).all()
    assert (batches.in_test(large, rows, 0.2, seed=2) != before).any()


def test_a_broken_row_is_found_in_whatever_batch(large: Contract) -> None:
    assert check_file(large) == (ROWS, [])
    rows = large.read()
    column = large.features[0]
    strict = replace(large, columns=tuple(replace(one, nulls=0.0) if one == column else one for one in large.columns))
    rows.loc[ROWS - 1, column.name] = None
    rows.to_parquet(large.source.path, index=False)
    assert check_file(strict)[1] == strict.check(rows)


def test_a_limit_that_is_no_number_of_rows_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in (0, "many"):
        monkeypatch.setattr(batches, "params", lambda limit=limit: {"split": {"rows_in_memory": limit}})
        with pytest.raises(ContractError, match=r"rows_in_memory in params.yaml is .*Give a whole number"):
            batches.rows_in_memory()


def test_a_sample_of_the_training_part_has_every_class(large: Contract) -> None:
    train, _ = parts(large)
    sample = batches.train_part(large)
    assert len(sample) <= IN_MEMORY + len(large.classes) < len(train)
    assert set(sample[large.target]) >= set(large.classes)
    its, all_of_it = (set(row_hashes(large, large.coerce(rows))) for rows in (sample, train))
    assert its <= all_of_it, "it is a sample of another part"


{% if framework == 'sklearn' %}
def test_a_model_that_needs_all_rows_says_so(large: Contract) -> None:
    parts(large)
    with pytest.raises(ContractError, match="partial_fit"):
        train_batches.fit_in_batches(baseline(), large, batches.train_part(large))


{% endif %}
def test_a_model_is_trained_in_batches(large: Contract) -> None:
    train, test = parts(large)
{% if framework == 'sklearn' %}
    steps = [("missing", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())]
    estimator = Estimator({% if problem == 'classification' %}loss="log_loss", {% endif %}random_state=42)
    model = Pipeline([("features", preprocessor(large)), *steps, ("model", estimator)])
{% elif framework == 'tensorflow' %}
    model = build(large, {**params()["model"], "epochs": 10})
{% else %}
    model = build(large, params()["model"])
{% endif %}
    train_batches.fit_in_batches(model, large, batches.train_part(large))
    guess = baseline().fit(large.coerce(train), large.labels(train))
    primary = params()["evaluate"]["primary"]
    assert score(model, large, test, [primary])[primary] > score(guess, large, test, [primary])[primary]
{% if framework == 'lightgbm' and problem == 'classification' %}


def test_a_class_that_weighs_more_is_answered_more_often(large: Contract) -> None:
    _, test = parts(large)
    heavy, *others = large.classes

    def answered(weight: float) -> int:
        model = build(large, {**params()["model"], "class_weight": {heavy: weight, **dict.fromkeys(others, 1.0)}})
        train_batches.fit_in_batches(model, large, batches.train_part(large))
        return int((model.predict(large.coerce(test)) == heavy).sum())

    assert answered(100.0) > answered(0.01)
{% endif %}
