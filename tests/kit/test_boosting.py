"""LightGBM's trees in the default model: chosen, weighted, stopped and saved as scikit-learn's are."""

from typing import Any

import numpy as np
import pytest
import skops.io
from lightgbm import LGBMClassifier, LGBMRegressor
from mlops_kit import blending
from mlops_kit.blending import BlendClassifier, BlendRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import r2_score

DICE = np.random.default_rng(0)
ALWAYS: dict[str, Any] = {"learning_rate": 0.1, "random_state": 0, "verbose": -1}
# As the template's model.py lists them, beside the library's own.
TRUSTED = {"collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"}


def regressor(share: float | None = None, **parameters: Any) -> BlendRegressor:
    return BlendRegressor(LGBMRegressor(n_estimators=30, **ALWAYS, **parameters), share=share)


def classifier(*categories: int, **parameters: Any) -> BlendClassifier:
    trees = LGBMClassifier(**{"n_estimators": 30, **ALWAYS, "categorical_column": list(categories), **parameters})
    return BlendClassifier(trees, categories)


def table(rows: int, columns: int = 4) -> np.ndarray:
    return DICE.normal(size=(rows, columns))


def test_few_rows_of_a_line_get_a_linear_model_and_columns_that_work_together_get_trees() -> None:
    rows, asked = table(120), table(400)
    truth = np.array([3.0, -2.0, 1.0, 0.0])
    line: Any = regressor().fit(rows, rows @ truth + DICE.normal(size=120))
    assert (line.share_, line.trees_) == (0, None)
    assert r2_score(asked @ truth, line.predict(asked)) > 0.9
    rows = table(600)
    both: Any = classifier().fit(rows, np.where(rows[:, 0] * rows[:, 1] > 0, "same", "other"))
    assert (both.share_, both.linear_) == (1, None)


def test_amounts_with_a_long_tail_get_a_gamma_loss_where_that_is_better() -> None:
    dice = np.random.default_rng(1)
    rows = dice.normal(size=(300, 4))
    told = np.exp(rows[:, 0] + rows[:, 1]) * dice.gamma(5, 1 / 5, size=300)
    model: Any = regressor(share=1.0).fit(rows, told)
    assert model.trees_.objective == "gamma"
    assert (model.predict(rows) > 0).all()


def test_on_many_rows_the_trees_stop_by_themselves_and_are_read_as_they_were_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blending, "MOST_ROWS", 100)
    rows = table(600)
    rows[::7, 1], rows[:, 0] = np.nan, DICE.integers(0, 3, 600)
    labels = np.where(rows[:, 2] + DICE.normal(size=600) > 0, "yes", "no").astype(object)
    model: Any = classifier(0, n_estimators=500).fit(rows, labels.astype(str))
    assert model.share_ == 1
    assert model.trees_.n_estimators < 100
    written = skops.io.dumps(model)
    holds = skops.io.get_untrusted_types(data=written)
    assert {name for name in holds if not name.startswith(("sklearn.", "numpy."))} <= {
        *blending.TRUSTED_TYPES,
        *TRUSTED,
    }
    assert np.array_equal(skops.io.loads(written, trusted=holds).predict_proba(rows), model.predict_proba(rows))
    nothing = model.fit(rows, labels.astype(str), sample_weight=np.arange(600) < 12)
    assert np.isfinite(nothing.predict_proba(rows)).all()


@pytest.mark.parametrize("trees", [HistGradientBoostingClassifier(max_iter=5), classifier(n_estimators=5).trees])
def test_on_many_rows_a_class_of_one_row_is_learnt(trees: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blending, "MOST_ROWS", 100)
    rows = DICE.normal(size=(10_020, 1))  # scikit-learn holds none out of 10,000
    labels = np.array([f"one {place}" for place in range(20)] + 5000 * ["many", "other"])
    model: Any = BlendClassifier(trees).fit(rows, labels)
    assert list(model.trees_.classes_) == list(model.classes_)


def test_the_weights_of_classes_count_for_both_parts_and_the_scale_of_weights_says_nothing() -> None:
    rows = table(200)
    labels = rows[:, 0] + DICE.normal(size=200) > 0
    rare = labels | (np.arange(200) % 10 == 0)
    plain, even = (classifier(class_weight=weight).fit(rows[rare], labels[rare]) for weight in (None, "balanced"))
    assert (~even.predict(rows)).sum() > (~plain.predict(rows)).sum()
    weights = DICE.uniform(1, 2, 200)
    found = [regressor().fit(rows, rows[:, 1], sample_weight=scale * weights).predict(rows) for scale in (1, 2.0**40)]
    assert np.array_equal(found[0], found[1])
