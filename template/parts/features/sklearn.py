"""From typed rows to numbers, the first step of the model: yours to change.

Each line below is a step: its name, a transformer of scikit-learn, and the columns that it takes. A transformer of your
own goes in the same way; name it in TRUSTED_TYPES of model.py.
"""

from mlops_kit import features
from mlops_kit.contract import Contract
from mlops_kit.features import date_parts, texts  # noqa: F401  models of before name them here
from sklearn.compose import ColumnTransformer


def preprocessor(contract: Contract) -> ColumnTransformer:
    """Categories come first in the output: `categorical_positions` gives their places to the estimator."""
    return features.columns(
        [
            features.categories(contract),
            features.numbers(contract),
            features.dates(contract),
            *features.words(contract),
        ]
    )


def categorical_positions(contract: Contract) -> list[int]:
    """The places of the categories in what the preprocessor puts out."""
    return list(range(len(contract.of_type("categorical"))))
