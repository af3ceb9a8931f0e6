"""TensorFlow Serving's endpoints for rows: https://www.tensorflow.org/tfx/serving/api_rest ."""

from typing import Any

from mlops_kit.contract import Column, Contract
from mlops_kit.ground import project
from mlops_kit.serving.endpoint import Answers, Endpoint, Row
from mlops_kit.serving.endpoints import Interface


def body(contract: Contract, rows: list[Row]) -> dict[str, Any]:
    """Rows as it takes them: every column, NaN or an empty string where a value is missing, truths as numbers."""
    optional = {column.name: None for column in contract.features if column.nulls}
    columns = {column.name: column for column in contract.features}
    return {
        "instances": [
            {name: _value(columns.get(name), value) for name, value in {**optional, **row}.items()} for row in rows
        ]
    }


def _value(column: Column | None, value: Any) -> Any:
    number = column is not None and column.type in ("numeric", "boolean")
    if value is None:
        return float("nan") if number else ""
    return float(value) if number and isinstance(value, bool) else value


def answers(contract: Contract, found: dict[str, Any]) -> Answers:
    """What it answers: an object for each row of a classification, a number for each row of a regression."""
    rows = found["predictions"]
    if not contract.classes:
        return Answers(rows)
    return Answers([row["prediction"] for row in rows], [row["probability"] for row in rows])


# It knows the model's inputs alone, so it refuses a column that the contract ignores as any other.
WAYS = dict(nan_is_missing=True, drops_ignored=False)


def interface() -> Interface:
    """Where TensorFlow Serving listens; it answers 404 where nothing is served, and the log of `poe serve` says why."""
    model = f"/v1/models/{project().name}"
    endpoints = {
        "predict": Endpoint(f"{model}:predict", body, answers, **WAYS),
        "champion": Endpoint(f"{model}/labels/champion:predict", body, answers, **WAYS),
    }
    return Interface(8501, ("PORT", "GRPC_PORT"), ready=model, unready=404, endpoints=endpoints)
