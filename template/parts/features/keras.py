"""From typed rows to numbers, the first layers of the network: yours to change.

Use Keras' own layers: a saved network is read without running anybody's code.
"""

import pandas as pd
from mlops_kit.contract import Contract
from mlops_kit.frameworks.tensorflow import features
from mlops_kit.frameworks.tensorflow.features import tensors
from mlops_kit.frameworks.tensorflow.quietly import keras


def preprocessor(contract: Contract, rows: pd.DataFrame) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The inputs, one a column, and the features made of them: float32, (rows, features), fitted to some rows."""
    inputs = features.inputs(contract)
    fitted = dict(zip(inputs, tensors(rows, list(inputs)), strict=True))
    blocks = [features.scaled(inputs[name], fitted[name]) for name in contract.of_type("numeric", "boolean", "date")]
    blocks += [features.turning(inputs[name]) for name in contract.of_type("date")]
    for column in contract.features:
        if column.type == "categorical":
            blocks.append(features.category(inputs[column.name], column))
        elif column.type == "text":
            blocks.append(features.words(inputs[column.name], fitted[column.name]))
    return list(inputs.values()), features.side_by_side(blocks)
