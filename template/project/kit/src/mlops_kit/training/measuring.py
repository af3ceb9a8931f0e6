"""How good a model is: metrics on the test part, beside the baseline and on slices; metrics.json and plots/."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.ground import params, project
from mlops_kit.models import log_metrics, prediction_hash
from mlops_kit.training.metrics import MetricError, asked, scorer

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SLICE = 20


def measure(model: Any, contract: Contract, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    """What metrics.json says: rows, metrics, baseline, slices and prediction_sha256 of a model on the test set.

    `train` and `test` are typed frames; the baseline of model.py is fitted to `train`. Raises MetricError.
    """
    settings = params()["evaluate"]
    dummy = project().model.baseline().fit(contract.coerce(train), contract.labels(train))
    names = [settings["primary"], *settings["metrics"]]
    return dict(
        rows=len(test),
        metrics=score(model, contract, test, names),
        baseline=score(dummy, contract, test, names),
        slices=dict(score_slices(model, contract, test, settings)),
        prediction_sha256=prediction_hash(model, contract.coerce(test)),
    )


def write_report(report: dict[str, Any], model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """Write what `measure` found to metrics.json, the predictions to plots/, and the metrics to the training's run.

    Raises ServerError where the MLflow server does not answer.
    """
    root, primary = project().root, params()["evaluate"]["primary"]
    (root / "metrics.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_predictions(model, contract, test)
    log_metrics((root / "model/run_id").read_text(encoding="utf-8").strip(), report["metrics"])
    print(f"{primary} {report['metrics'][primary]:.4f}, baseline {report['baseline'][primary]:.4f}")
    balanced = report["metrics"].get("balanced_accuracy")
    if balanced is not None and balanced <= 1 / len(contract.classes) + 0.01:
        print(
            f"warning: balanced_accuracy {balanced:.4f} is a guess's: the model answers with the frequent class alone. "
            "Think of class_weight: balanced, under `model` in params.yaml"
        )


def score(model: Any, contract: Contract, frame: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """The value of each of scikit-learn's or model.py's scorers on a typed frame, to 6 digits; greater is better.

    Raises MetricError for a scorer that is unknown, or that does not fit the labels.
    """
    rows, labels = contract.coerce(frame), contract.labels(frame)
    answered = len(model.predict(rows.head(3)))
    if answered != min(3, len(rows)):
        raise MetricError(
            f"The model gives {answered} predictions for {min(3, len(rows))} rows.", "See model.py: one a row."
        )
    return {name: round(asked(scorer(name, contract), name, model, rows, labels), 6) for name in names}


def slices(contract: Contract, frame: pd.DataFrame, settings: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows for each value of some columns, where there are enough of them to say anything."""
    few = [column.name for column in contract.features if 1 < len(column.categories) <= 10]
    for name in settings["slices"] or few:
        for value, part in frame.groupby(name):
            if len(part) < SMALLEST_SLICE or part[contract.target].nunique() < max(2, len(contract.classes)):
                continue  # a ranking metric needs every class
            yield f"{name}={value}", part


def score_slices(
    model: Any, contract: Contract, frame: pd.DataFrame, settings: dict[str, Any]
) -> Iterator[tuple[str, dict[str, float]]]:
    """`COLUMN=VALUE`, with its number of rows and the primary metric, for each slice of a typed frame.

    `settings` is the section `evaluate` of params.yaml. A slice has 20 rows at least, and every class.
    """
    import warnings

    for name, part in slices(contract, frame, settings):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield name, dict(rows=len(part), **score(model, contract, part, [settings["primary"]]))


def latency_ms(model: Any, rows: pd.DataFrame) -> float:
    """The time of predicting one row, in ms: the fastest of some rows of shape (rows, features), in one thread."""
    import time

    from threadpoolctl import threadpool_limits

    times = []
    with threadpool_limits(limits=1):
        for number in range(len(rows)):
            start = time.perf_counter()
            model.predict(rows.iloc[number : number + 1])
            times.append(time.perf_counter() - start)
    return min(times) * 1000


def write_predictions(model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """plots/predictions.csv, for `dvc plots`."""
    folder = project().root / "plots"
    folder.mkdir(exist_ok=True)
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["actual", "predicted"])
        writer.writerows(zip(contract.labels(test), model.predict(contract.coerce(test)), strict=True))
