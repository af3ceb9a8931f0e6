"""How good a model is: metrics on the test part, beside the baseline and on slices; metrics.json and plots/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.frameworks import framework
from mlops_kit.ground import doing, params, project
from mlops_kit.models import prediction_hash, record
from mlops_kit.training.metrics import MetricError, metric_names
from mlops_kit.training.plots import write_plots

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SLICE = 20


def measure(model: Any, contract: Contract, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    """What metrics.json says: rows, metrics, baseline, slices and prediction_sha256 of a model on the test set.

    `train` and `test` are typed frames; the baseline of model.py is fitted to `train`. Raises MetricError.
    """
    from mlops_kit.training.answers import remembered

    settings = params()["evaluate"]
    doing("measure the model", len(test))
    names, decision = metric_names(), framework().decision_of(model)
    rows = contract.coerce(test).reset_index(drop=True)
    answers = remembered(model, contract, rows)
    metrics = score(model, contract, test, names, answers)
    return dict(
        rows=len(test),
        metrics=metrics,
        baseline=score(fitted_baseline(contract, train), contract, test, names),
        slices=dict(score_slices(model, contract, test, settings, answers)),
        **(dict(decision=asdict(decision)) if decision else {}),
        prediction_sha256=prediction_hash(model, rows, answers),
    )


def fitted_baseline(contract: Contract, train: pd.DataFrame) -> Any:
    """The baseline of model.py, fitted. Scikit-learn's own guesses look at labels alone: no value is read for them."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    guess = project().model.baseline()
    blind = isinstance(guess, DummyClassifier | DummyRegressor)
    rows = train[[column.name for column in contract.features]] if blind else contract.coerce(train)
    return guess.fit(rows, contract.labels(train))


def write_report(report: dict[str, Any], model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """Write what `measure` found to metrics.json, the predictions to plots/, and the metrics to the training's run.

    Raises ServerError where the MLflow server does not answer.
    """
    root, primary = project().root, params()["evaluate"]["primary"]
    (root / "metrics.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    doing("draw the plots", len(test))
    write_plots(model, contract, test, report)
    record((root / "model/run_id").read_text(encoding="utf-8").strip(), report["metrics"])
    print(f"{primary} {report['metrics'][primary]:.4f}, baseline {report['baseline'][primary]:.4f}")
    if contract.classes:
        name = "balanced_accuracy"
        known = report["metrics"] if name in report["metrics"] else score(model, contract, test, [name])
        warn_of_a_guess(contract, known[name])


def warn_of_a_guess(contract: Contract, balanced: float) -> None:
    """Print a warning where the balanced accuracy is that of a guess, whatever the other metrics are."""
    if balanced <= 1 / len(contract.classes) + 0.01:
        two = "evaluate: threshold: f1, or " if len(contract.classes) == 2 else ""
        print(
            f"warning: balanced_accuracy {balanced:.4f} is no better than a guess: the model answers with the frequent "
            f"class alone. In params.yaml, think of {two}model: class_weight: balanced"
        )


def score(
    model: Any, contract: Contract, frame: pd.DataFrame, names: list[str], answers: Any = None
) -> dict[str, float]:
    """The value of each of scikit-learn's or model.py's scorers on a typed frame, to 6 digits; greater is better.

    `answers` are those of the model to these rows, where they are known already. Raises MetricError for a scorer that
    is unknown, or that does not fit the labels.
    """
    from mlops_kit.training.answers import answering, value

    rows, labels = contract.coerce(frame).reset_index(drop=True), contract.labels(frame)
    answered = len(model.predict(rows.head(3)))
    if answered != min(3, len(rows)):
        raise MetricError(
            f"The model gives {answered} predictions for {min(3, len(rows))} rows.", "See model.py: one a row."
        )
    answers = answers or answering(model, contract, rows)
    return {name: round(value(name, model, answers, contract, rows, labels), 6) for name in names}


def slices(contract: Contract, frame: pd.DataFrame, settings: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows for each value of some columns, where there are enough of them to say anything."""
    few = [column.name for column in contract.features if 1 < len(column.categories) <= 10]
    for name in settings.get("slices") or few:
        for value, part in frame.groupby(name):
            if len(part) < SMALLEST_SLICE or part[contract.target].nunique() < max(2, len(contract.classes)):
                continue  # a ranking metric needs every class
            yield f"{name}={value}", part


def score_slices(
    model: Any, contract: Contract, frame: pd.DataFrame, settings: dict[str, Any], answers: Any = None
) -> Iterator[tuple[str, dict[str, float]]]:
    """`COLUMN=VALUE`, with its number of rows and the primary metric, for each slice of a typed frame.

    `settings` is the section `evaluate` of params.yaml. A slice has 20 rows at least, and every class.
    `answers` are those of the model to these rows, where they are known already.
    """
    import warnings

    from mlops_kit.training.answers import answering, value

    frame, primary = frame.reset_index(drop=True), settings["primary"]
    rows = contract.coerce(frame).reset_index(drop=True)
    answers = answers or answering(model, contract, rows)
    for name, part in slices(contract, frame, settings):
        with warnings.catch_warnings(action="ignore"):
            found = value(primary, model, answers, contract, rows.loc[part.index], contract.labels(part))
        yield name, {"rows": len(part), primary: round(found, 6)}


def latency_ms(model: Any, rows: pd.DataFrame, enough: float = 0) -> float:
    """The time of predicting one row, in ms: the fastest of some rows of shape (rows, features), in one thread.

    It ends with the first row that took `enough` ms or less.
    """
    import time

    from threadpoolctl import threadpool_limits

    fastest = float("inf")
    with threadpool_limits(limits=1):
        for number in range(len(rows)):
            start = time.perf_counter()
            model.predict(rows.iloc[number : number + 1])
            fastest = min(fastest, (time.perf_counter() - start) * 1000)
            if fastest <= enough:
                break
    return fastest
