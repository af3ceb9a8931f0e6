"""The model: yours to change. `build` is trained on raw rows; its parameters come from params.yaml.

For metrics of your own add SCORERS, a dict of names and scorers: a function of model, rows and labels whose result is
better when greater, such as `make_scorer(...)` of scikit-learn. Then name them under `evaluate` in params.yaml.
"""

from __future__ import annotations

from typing import Any

from lightgbm import LGBMClassifier
from mlops_kit.blending import BlendClassifier
from mlops_kit.contract import Contract
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from .features import categorical_positions, preprocessor

# What a saved model may hold besides scikit-learn's and numpy's own types; anything else is refused when it is loaded.
# Add a type only after reading what it does: this list is what stands between a model file and your machine.
TRUSTED_TYPES = ["collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]


def build(contract: Contract, parameters: dict[str, Any]) -> Pipeline:
    """An untrained pipeline from raw rows to predictions: boosted trees, and on few rows a linear model beside them."""
    categories = categorical_positions(contract)
    trees = LGBMClassifier(
        categorical_column=categories,
        verbose=-1,
        **parameters,
    )
    return Pipeline([("features", preprocessor(contract)), ("model", BlendClassifier(trees, categories))])


def baseline() -> DummyClassifier:
    """What a model has to beat: the classes' shares."""
    return DummyClassifier(strategy="prior")
