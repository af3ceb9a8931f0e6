"""The stage `evaluate`: measure the model on the test part, beside the baseline and on slices; write metrics.json."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import ROOT, params, tracking
from .contract import Contract, ContractError, load
from .data import TEST, train_part

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SLICE = 20


def evaluate() -> None:
    """Measure, write metrics.json and plots/, add the metrics to the training's run."""
    import pandas as pd

    from .model import baseline

    contract, settings = load(), params()["evaluate"]
    train, test = train_part(contract), pd.read_parquet(ROOT / TEST)
    model = tracking.load_model(ROOT / "model")
    dummy = baseline().fit(contract.coerce(train), contract.labels(train))
    names = [settings["primary"], *settings["metrics"]]
    report = dict(
        rows=len(test),
        metrics=score(model, contract, test, names),
        baseline=score(dummy, contract, test, names),
        slices=dict(score_slices(model, contract, test, settings)),
        prediction_sha256=tracking.prediction_hash(model, contract.coerce(test)),
    )
    (ROOT / "metrics.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_predictions(model, contract, test)
    tracking.log_metrics((ROOT / "model/run_id").read_text(encoding="utf-8").strip(), report["metrics"])
    primary = settings["primary"]
    print(f"{primary} {report['metrics'][primary]:.4f}, baseline {report['baseline'][primary]:.4f}")


def score(model: Any, contract: Contract, frame: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Each scorer's value on a frame: greater is better. Rounded, so that metrics can be compared as text."""
    from sklearn.metrics import get_scorer

    rows, labels = contract.coerce(frame), contract.labels(frame)
    return {name: round(float(get_scorer(name)(model, rows, labels)), 6) for name in names}


def score_slices(
    model: Any, contract: Contract, frame: pd.DataFrame, settings: dict[str, Any]
) -> Iterator[tuple[str, dict[str, float]]]:
    """The primary metric for each value of some columns, where there are enough rows to say anything."""
    import warnings

    few = [column.name for column in contract.features if 1 < len(column.categories) <= 10]
    for name in settings["slices"] or few:
        for value, part in frame.groupby(name):
            if len(part) < SMALLEST_SLICE or part[contract.target].nunique() < max(2, len(contract.classes)):
                continue  # a ranking metric needs every class
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield f"{name}={value}", dict(rows=len(part), **score(model, contract, part, [settings["primary"]]))


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


def write_predictions(model: Any, contract: Contract, test: pd.DataFrame) -> None:
    """plots/predictions.csv, for `dvc plots`."""
    folder = ROOT / "plots"
    folder.mkdir(exist_ok=True)
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["actual", "predicted"])
        writer.writerows(zip(contract.labels(test), model.predict(contract.coerce(test)), strict=True))


def main() -> None:
    """Evaluate; a sentence on failure."""
    try:
        with tracking.in_a_sentence():
            evaluate()
    except (ContractError, tracking.ChampionError, FileNotFoundError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # `poe repro` says what is now
        sys.exit(130)


if __name__ == "__main__":
    main()
