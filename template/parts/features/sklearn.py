"""From typed rows to numbers, the first step of the model: yours to change.

Each entry of the list is a step of a ColumnTransformer: (name, transformer, columns). Add yours after the categories:
("area", PowerTransformer(), ["mean area"]). List a transformer or function that you wrote in TRUSTED_TYPES of model.py,
as "PACKAGE.features.NAME".
"""

from mlops_kit import features
from mlops_kit.contract import Contract
from mlops_kit.features import date_parts, texts  # noqa: F401  older saved models look for them here
from sklearn.compose import ColumnTransformer


def preprocessor(contract: Contract) -> ColumnTransformer:
    """Categories come first in the output: `categorical_positions` gives their places to the estimator."""
    return features.columns(
        [
            features.categories(contract),
            features.target_means(contract),
            features.numbers(contract),
            features.dates(contract),
            *features.words(contract),
        ]
    )


def categorical_positions(contract: Contract) -> list[int]:
    """The places of the categories in what the preprocessor puts out."""
    return list(range(len(contract.of_type("categorical"))))
