"""What a model's answers look like: tables in plots/, which `dvc plots`, `poe report` and the model card draw.

    predictions.csv                   each row's label and answer
    roc.csv, precision_recall.csv     of the positive class; of several classes, each against the rest, pooled
    calibration.csv                   predicted probabilities beside the share that came true, in tenths of the rows
    residuals.csv                     for a regression: actual less predicted
    importance.csv                    by how much the primary metric falls where a column is shuffled
    slices.csv                        the primary metric for each slice, and for all rows

The same model and rows give the same tables.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.ground import params, project
from mlops_kit.training.metrics import positive_class

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

POINTS = 200  # of a curve, at most
BINS = 10
MANY_COLUMNS = 100  # beyond which importance is measured on fewer rows, once
CELLS = 2_000_000  # of shuffled rows that are predicted together


def plot_file(name: str) -> Path:
    """Where a table of plots/ is."""
    return project().root / "plots" / f"{name}.csv"


def read_plot(name: str) -> list[dict[str, str]]:
    """A table of plots/, row by row; none where there is no such table for this problem."""
    if not plot_file(name).exists():
        return []
    with plot_file(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_plots(model: Any, contract: Contract, test: pd.DataFrame, report: dict[str, Any]) -> None:
    """Write all tables for a fitted model; `report` is what metrics.json says of it."""
    from mlops_kit.training.answers import recalled

    rows, labels = contract.coerce(test).reset_index(drop=True), contract.labels(test)
    given = recalled(model, contract, rows)
    answers = given.predict(rows)
    _write("predictions", ["actual", "predicted"], zip(labels, answers, strict=True))
    if not contract.classes:
        _write("residuals", ["predicted", "residual"], zip(answers, labels - answers, strict=True))
    elif hasattr(given, "predict_proba"):
        _write_curves(*outcomes(given, contract, rows, labels))
    _write("importance", ["feature", "importance", "deviation"], importance(model, contract, test))
    primary = params()["evaluate"]["primary"]
    parts = {"all": dict(rows=report["rows"], **report["metrics"]), **report["slices"]}
    _write("slices", ["slice", "rows", "value"], ([name, one["rows"], one[primary]] for name, one in parts.items()))


def _write(name: str, head: list[str], rows: Iterable[Iterable[Any]]) -> None:
    plot_file(name).parent.mkdir(exist_ok=True)
    with plot_file(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def outcomes(model: Any, contract: Contract, rows: pd.DataFrame, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Whether a class was the right one, bool, and its probability, float64: both of one length.

    Of two classes the positive one in each row, of several each one in each row.
    """
    import numpy as np

    shares, classes = np.asarray(model.predict_proba(rows)), list(model.classes_)
    positive = positive_class(contract)
    places = range(len(classes)) if positive is None else [classes.index(positive)]
    truths = np.column_stack([np.asarray(labels) == classes[place] for place in places])
    return truths.ravel(), shares[:, list(places)].ravel()


def _write_curves(truths: np.ndarray, shares: np.ndarray) -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve, roc_curve

    with warnings.catch_warnings(action="ignore"):  # of a class that is not there
        false, true, _ = roc_curve(truths, shares)
        precision, recall, _ = precision_recall_curve(truths, shares)
        observed, predicted = calibration_curve(truths, shares, n_bins=BINS, strategy="quantile")
    _write("roc", ["false_positive_rate", "true_positive_rate"], _thin(false, true))
    _write("precision_recall", ["recall", "precision"], _thin(recall[::-1], precision[::-1]))
    _write("calibration", ["predicted", "observed"], _thin(predicted, observed))


def _thin(*columns: np.ndarray) -> list[tuple[float, ...]]:
    """The points of a curve, at most POINTS of them, rounded, with both ends."""
    import numpy as np

    kept = np.unique(np.linspace(0, len(columns[0]) - 1, POINTS).astype(int))
    return list(zip(*(np.round(column[kept], 6).tolist() for column in columns), strict=True))


def importance(model: Any, contract: Contract, test: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Each column, by how much the primary metric falls where it is shuffled, and the deviation; the largest first.

    Permutation importance: Breiman, Random Forests, 2001, section 10; by scikit-learn's shuffles.
    """
    import numpy as np
    import pandas as pd

    primary, few = params()["evaluate"]["primary"], len(contract.features) <= MANY_COLUMNS
    some = test.iloc[:: max(1, len(test) // (1000 if few else 200))]
    if contract.classes:  # and of each class one
        some = pd.concat([some, test[~test[contract.target].duplicated()]])
    rows, labels = contract.coerce(some).reset_index(drop=True), contract.labels(some)
    orders = shuffles(len(rows), 3 if few else 1)
    falls: list[tuple[str, Any, Any]] = []
    together = max(1, CELLS // (rows.size * len(orders)))
    with warnings.catch_warnings(action="ignore"):
        whole = scores(primary, model, contract, [rows], labels)[0]
        for names in (rows.columns[start : start + together] for start in range(0, len(rows.columns), together)):
            parts = [rows.assign(**{name: rows[name].array[order]}) for name in names for order in orders]
            found = whole - np.reshape(scores(primary, model, contract, parts, labels), (len(names), len(orders)))
            falls += zip(names, found.mean(axis=1).round(6), found.std(axis=1).round(6), strict=True)
    return sorted(((name, float(fall), float(spread)) for name, fall, spread in falls), key=lambda one: -one[1])


def shuffles(rows: int, times: int) -> list[np.ndarray]:
    """Some orders of rows: those of scikit-learn's `permutation_importance` with the random state 0."""
    import numpy as np

    dice = np.random.RandomState(np.random.RandomState(0).randint(2**31))
    found, moved = [np.arange(rows)], np.arange(rows)
    for _ in range(times):
        dice.shuffle(moved)
        found.append(found[-1][moved])
    return found[1:]


def scores(name: str, model: Any, contract: Contract, parts: list[pd.DataFrame], labels: Any) -> list[float]:
    """A metric on each of some frames with the same labels; the model predicts once for all of them."""
    import pandas as pd

    from mlops_kit.training.answers import answering, value

    rows, many = pd.concat(parts, ignore_index=True), len(labels)
    answers = answering(model, contract, rows)
    pieces = (rows.iloc[start : start + many] for start in range(0, len(rows), many))
    return [value(name, model, answers, contract, piece, labels) for piece in pieces]
