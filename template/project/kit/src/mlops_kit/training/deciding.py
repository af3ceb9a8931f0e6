"""The decision threshold: the probability from which on a classifier answers with the positive class.

`evaluate.threshold` in params.yaml is a probability, the metric that it makes best, or none. Where it is not set, a
positive class of less than 10 % of the rows gets the threshold with the best F1: by the most likely class, such a model
hardly ever answers with it. The threshold is chosen on folds of the training part, by models that have not seen the
rows, and kept in the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.data import RARE, TRAIN, Rule, folds_of, train_part
from mlops_kit.frameworks import Decision, framework
from mlops_kit.ground import doing, params, project
from mlops_kit.training.metrics import MetricError, asked, positive_class, scorer

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Learn = Callable[[Any, "pd.DataFrame"], Any]  # fits a model to rows, where that takes more than rows and labels

FOLDS = 3
MOST_ROWS = 20_000  # by which a threshold is chosen
CANDIDATES = 50
OFF = ("none", "false", "off")
USUAL = "f1"


def wanted(contract: Contract) -> float | str | None:
    """What params.yaml says of the threshold: a probability, a metric, "none", or nothing.

    Raises MetricError for what it cannot mean.
    """
    told = params()["evaluate"].get("threshold")
    if told is None:
        return None
    if told is False or str(told).lower() in OFF:
        return "none"
    if positive_class(contract) is None:
        raise MetricError(
            f"evaluate.threshold in params.yaml is {told!r}, and {contract.target!r} does not have two classes.",
            "Remove it.",
        )
    if isinstance(told, str):
        scorer(told, contract)
        return told
    if isinstance(told, int | float) and 0 < told < 1:
        return float(told)
    raise MetricError(
        f"evaluate.threshold in params.yaml is {told!r}.",
        "Give a probability between 0 and 1, a metric such as f1 or balanced_accuracy, or none.",
    )


def decided(model: Any, contract: Contract, learn: Learn | None = None) -> Any:
    """A fitted model with its threshold; unchanged where it needs none. Says which was chosen, and why."""
    setting, positive = wanted(contract), positive_class(contract)
    if positive is None or setting == "none" or not hasattr(model, "predict_proba"):
        return model
    if isinstance(setting, float):
        return _kept(model, Decision(positive, setting), "as evaluate.threshold in params.yaml says")
    share = float((targets(contract) == positive).mean())
    if setting is None and share >= RARE:
        return model
    rows = train_part(contract)
    metric = setting or USUAL
    doing("choose the decision threshold", min(len(rows), MOST_ROWS))
    try:
        threshold = best_threshold(contract, rows.iloc[:: max(1, len(rows) // MOST_ROWS)], positive, metric, learn)
    except ValueError as error:  # too few rows of a class, or groups, for folds
        print(f"no decision threshold is chosen: {error}")
        return model
    why = f"the best {metric} on {FOLDS} folds of the training part ({positive!r} has {share:.1%} of the rows)"
    return _kept(model, Decision(positive, threshold), why)


def targets(contract: Contract) -> pd.Series:
    """The targets of all rows of the training part."""
    import pandas as pd

    found: pd.Series = pd.read_parquet(project().root / TRAIN, columns=[contract.target])[contract.target]
    return found


def _kept(model: Any, decision: Decision, why: str) -> Any:
    print(f"decision threshold: {decision}, {why}")
    return framework().decide(model, decision)


def best_threshold(
    contract: Contract, rows: pd.DataFrame, positive: Any, metric: str, learn: Learn | None = None
) -> float:
    """The threshold by which a metric is best on rows that the model has not seen. Raises ValueError without folds."""
    import numpy as np

    from mlops_kit.training.answers import Given

    rows = rows.reset_index(drop=True)
    shares = shares_of(contract, rows, positive, learn)
    known = np.flatnonzero(~np.isnan(shares))
    frame, shares = rows.iloc[known].reset_index(drop=True), shares[known]
    labels, features = contract.labels(frame), contract.coerce(frame)
    other = next(label for label in contract.classes if label != positive)
    if not (labels == positive).any():
        raise ValueError(f"no fold has rows of {positive!r}")
    candidates = np.unique(np.quantile(shares[labels == positive], np.linspace(0, 1, CANDIDATES), method="lower"))
    measure, classes = scorer(metric, contract), np.asarray(contract.classes)
    both = np.column_stack([shares if label == positive else 1 - shares for label in contract.classes])
    scores = []
    with warnings.catch_warnings(action="ignore"):
        for one in candidates:
            answers = np.where(shares >= one, positive, other).astype(classes.dtype)
            scores.append(asked(measure, metric, Given(classes, answers, both), features, labels))
    found = float(candidates[int(np.argmax(scores))])
    return min(max(float(np.floor(found * 1e6)) / 1e6, 1e-6), 1 - 1e-6)


def shares_of(contract: Contract, rows: pd.DataFrame, positive: Any, learn: Learn | None = None) -> np.ndarray:
    """Each row's probability of a class, by a model that was trained on the other folds: float64, shape (rows,).

    NaN for rows of no fold: in a split by time, the first ones.
    """
    import numpy as np

    folds = folds_of(contract, rows, FOLDS, 0)
    ordered = Rule.read().by == "time" and Rule.read().column in rows
    shares = np.full(len(rows), np.nan)
    for fold in range(FOLDS):
        learnt, held = rows[folds < fold if ordered else folds != fold], rows[folds == fold]
        if learnt[contract.target].nunique() < 2:
            continue
        model: Any = project().model.build(contract, params()["model"])
        if learn is None:
            model.fit(contract.coerce(learnt), contract.labels(learnt))
        else:
            learn(model, learnt)
        place = list(model.classes_).index(positive)
        shares[folds == fold] = model.predict_proba(contract.coerce(held))[:, place]
    return shares
