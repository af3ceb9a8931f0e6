"""How good a model is: metrics on the test part, beside the baseline and on slices; metrics.json and plots/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.frameworks import framework
from mlops_kit.ground import doing, params, project
from mlops_kit.models import log_metrics, prediction_hash
from mlops_kit.training.metrics import MetricError, asked, metric_names, scorer
from mlops_kit.training.plots import write_plots

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SLICE = 20


def measure(model: Any, contract: Contract, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    """What metrics.json says of a model: its metrics on the test part, the baseline's beside them, and the slices'."""
    settings = params()["evaluate"]
    doing("measure the model", len(test))
    dummy = project().model.baseline().fit(contract.coerce(train), contract.labels(train))
    names = metric_names()
    decision = framework().decision_of(model)
    return dict(
        rows=len(test),
        metrics=score(model, contract, test, names),
        baseline=score(dummy, contract, test, names),
        slices=dict(score_slices(model, contract, test, settings)),
        **(dict(decision=asdict(decision)) if decision else {}),
        prediction_sha256=prediction_hash(model, contract.coerce(test)),
    )


def write_report(report: dict[str, Any], model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """Write metrics.json and plots/, and add the metrics to the training's run."""
    root, primary = project().root, params()["evaluate"]["primary"]
    (root / "metrics.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    doing("draw the plots", len(test))
    write_plots(model, contract, test, report)
    log_metrics((root / "model/run_id").read_text(encoding="utf-8").strip(), report["metrics"])
    print(f"{primary} {report['metrics'][primary]:.4f}, baseline {report['baseline'][primary]:.4f}")
    if contract.classes:
        warn_of_a_guess(model, contract, test)


def warn_of_a_guess(model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """Say so where the answers are no better than a guess, whatever the other metrics are."""
    balanced = score(model, contract, test, ["balanced_accuracy"])["balanced_accuracy"]
    if balanced <= 1 / len(contract.classes) + 0.01:
        two = "evaluate: threshold: f1, or " if len(contract.classes) == 2 else ""
        print(
            f"warning: balanced_accuracy {balanced:.4f} is a guess's: the model answers with the frequent class alone. "
            f"In params.yaml, think of {two}model: class_weight: balanced"
        )


def score(model: Any, contract: Contract, frame: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Each scorer's value on a frame: greater is better. Rounded, so that metrics can be compared as text.

    Raises MetricError for a metric that there is not, or that does not fit the labels.
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
    """The primary metric for each value of some columns, where there are enough rows to say anything."""
    import warnings

    for name, part in slices(contract, frame, settings):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield name, dict(rows=len(part), **score(model, contract, part, [settings["primary"]]))


def latency_ms(model: Any, rows: pd.DataFrame) -> float:
    """The time that one row takes, in ms: the best of all rows, in one thread, since what else runs here only adds."""
    import time

    from threadpoolctl import threadpool_limits

    times = []
    with threadpool_limits(limits=1):
        for number in range(len(rows)):
            start = time.perf_counter()
            model.predict(rows.iloc[number : number + 1])
            times.append(time.perf_counter() - start)
    return min(times) * 1000
