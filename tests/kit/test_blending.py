"""The default model fits the size of the table: what it chooses, and that it is saved and served as any other."""

from typing import Any

import numpy as np
import pytest
import skops.io
from mlops_kit import blending
from mlops_kit.blending import BlendClassifier, BlendRegressor
from mlops_kit.boosting import coarse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score

DICE = np.random.default_rng(0)


def regressor(share: float | None = None, **parameters: Any) -> BlendRegressor:
    told = {"max_iter": 30, "random_state": 0, **parameters}
    return BlendRegressor(HistGradientBoostingRegressor(**told), share=share)


def classifier(*categories: int, share: float | None = None, **parameters: Any) -> BlendClassifier:
    told = {"max_iter": 30, "random_state": 0, "categorical_features": list(categories) or None, **parameters}
    return BlendClassifier(HistGradientBoostingClassifier(**told), categories, share)


def table(rows: int, columns: int = 4) -> np.ndarray:
    return DICE.normal(size=(rows, columns))


def test_few_rows_of_a_line_get_a_linear_model_alone() -> None:
    rows, asked = table(120), table(400)
    truth = np.array([3.0, -2.0, 1.0, 0.0])
    model = regressor().fit(rows, rows @ truth + DICE.normal(size=120))
    assert model.share_ == 0
    assert model.trees_ is None
    assert r2_score(asked @ truth, model.predict(asked)) > 0.9


def test_columns_that_work_together_get_trees_alone_and_no_more_rounds_than_help() -> None:
    rows = table(600)
    model = classifier().fit(rows, np.where(rows[:, 0] * rows[:, 1] > 0, "same", "other"))
    assert model.share_ == 1
    assert model.linear_ is None
    noise = regressor(max_iter=500).fit(rows, DICE.normal(size=600))
    assert noise.share_ == 0 or noise.trees_.n_iter_ < 50


def test_amounts_with_a_long_tail_are_worth_a_log_link(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(120)
    amounts = np.exp(1.5 * rows[:, 0])
    trees = regressor().trees
    assert blending.is_skewed(trees, amounts)
    assert not blending.is_skewed(trees, -amounts), "which are not above 0"
    assert not blending.is_skewed(trees, rows[:, 0] + 10)
    assert np.isfinite(regressor().fit(rows, amounts).predict(rows)).all()
    monkeypatch.setattr(blending, "MOST_ROWS", 100)
    many: Any = regressor().fit(rows, amounts)
    assert (many.share_, many.linear_) == (1, None)


def test_missing_values_unknown_codes_and_far_numbers_are_answered_as_by_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blending, "SHARES", (0.5,))
    rows = np.column_stack([DICE.integers(0, 3, 300), table(300, 2)]).astype("float64")
    rows[::7] = np.nan
    model = classifier(0).fit(rows, DICE.choice(["a", "b", "c"], 300))
    asked = np.array([[np.nan] * 3, [17, 0, 0], [1, 1e30, -1e30], [1, np.nanmax(rows[:, 1]), np.nanmin(rows[:, 2])]])
    found = model.predict_proba(asked)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.array_equal(found[2], found[3])


def test_it_is_saved_without_a_word_and_answers_one_row_as_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blending, "SHARES", (0.5,))
    rows = table(200)
    for model in (classifier(), regressor()):
        labels = rows[:, 0] + DICE.normal(size=200)
        model.fit(rows, labels if model is not None and isinstance(model, BlendRegressor) else labels > 0)
        written = skops.io.dumps(model)
        own = {name for name in skops.io.get_untrusted_types(data=written) if name.startswith("mlops_kit.")}
        assert own <= {*blending.TRUSTED_TYPES}
        read = skops.io.loads(written, trusted=skops.io.get_untrusted_types(data=written))
        each = [read.predict(rows[place : place + 1])[0] for place in range(50)]
        assert np.allclose(each, model.predict(rows[:50]), rtol=1e-12)


def test_the_weights_count_for_both_and_a_class_of_one_row_is_learnt() -> None:
    rows = table(200)
    labels = np.where(rows[:, 0] + DICE.normal(size=200) > 0, "yes", "no")
    rare = (labels == "yes") | (np.arange(200) % 10 == 0)
    plain, balanced = (classifier(class_weight=weight).fit(rows[rare], labels[rare]) for weight in (None, "balanced"))
    assert (balanced.predict(rows) == "no").sum() > (plain.predict(rows) == "no").sum()
    labels[0] = "one"
    assert list(classifier().fit(rows, labels).classes_) == ["no", "one", "yes"]


def test_the_scale_of_weights_says_nothing_and_most_rows_may_weigh_nothing() -> None:
    rows = table(200)
    labels, weights = rows[:, 0] + DICE.normal(size=200), DICE.uniform(1, 2, 200)
    for model, told in ((regressor(), labels), (classifier(), labels > 0)):
        found = [model.fit(rows, told, sample_weight=scale * weights).predict(rows) for scale in (1, 2.0**60, 2.0**-60)]
        assert np.array_equal(found[0], found[1])
        assert np.array_equal(found[0], found[2])
        model.fit(rows, told, sample_weight=np.arange(200) < 12)
        assert np.isfinite(model.predict(rows)).all()


def test_weighted_rows_have_no_more_values_than_the_trees_have_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.exp(3 * table(600, 3))
    rows[::9, 1], rows[:, 2] = np.nan, np.round(rows[:, 2])
    few = coarse(rows, 32)
    assert len(np.unique(few[:, 0])) == 32
    assert np.array_equal(np.isnan(few), np.isnan(rows))
    assert np.array_equal(coarse(rows, 600), rows, equal_nan=True)
    given, fit = [], HistGradientBoostingRegressor.fit

    def seen(self: Any, rows: np.ndarray, *args: Any, **more: Any) -> Any:
        given.append(len(np.unique(rows[:, 0])))
        return fit(self, rows, *args, **more)

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", seen)
    monkeypatch.setattr(blending, "MOST_ROWS", 100)
    model: Any = regressor(max_bins=32).fit(rows, np.nan_to_num(rows).sum(axis=1), DICE.uniform(1, 2, 600))
    assert given == [32, 32, 32], "two trials of a log link, and the model"
    # What was learnt from the few values is what the rows get: no border is moved.
    assert np.array_equal(model.predict(rows), model.predict(few))


def test_the_penalty_of_the_linear_model_fits_the_rows() -> None:
    rows = table(100)
    clear: Any = classifier(share=0).fit(rows, rows[:, 0] > rows[:, 1])
    noise: Any = classifier(share=0).fit(rows, DICE.random(100) > 0.5)
    assert clear.linear_[-1].C > noise.linear_[-1].C == min(blending.STRENGTHS)


def test_the_share_of_the_trees_may_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(120)
    labels = rows @ [3.0, -2.0, 1.0, 0.0]
    few = regressor(share=0.5).fit(rows, labels)
    monkeypatch.setattr(blending, "MOST_ROWS", 100)
    many = regressor(share=0.5).fit(rows, labels)
    for model in (few, many):
        parts = (model.trees_.predict(rows), model.linear_.predict(rows))
        assert np.allclose(model.predict(rows), np.mean(parts, axis=0))
    with pytest.raises(ValueError, match="share is 2: give a number from 0 to 1"):
        regressor(share=2).fit(rows, labels)
