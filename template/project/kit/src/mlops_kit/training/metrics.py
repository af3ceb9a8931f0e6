"""Metrics by the names of scikit-learn's scorers, for labels of any kind, and the class that matters."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract
from mlops_kit.ground import KitError, params, project

if TYPE_CHECKING:
    import pandas as pd

# One of two classes that is called so is the class that matters; or the other one, where one is called so.
YES = ("1", "true", "yes", "y", "t", "ja", "oui", "si", "sí", "on", "positive", "+")
NO = (
    *("0", "-1", "false", "no", "n", "f", "nein", "non", "off", "negative", "-"),
    *("none", "normal", "good", "ok", "benign", "healthy", "ham"),
)
SOME = 500  # rows that tell whether a metric fits the labels


class MetricError(KitError):
    """A metric of params.yaml that cannot be measured."""


def metric_names() -> list[str]:
    """The metrics of params.yaml, the primary one first. Raises MetricError where there is none."""
    settings = params().get("evaluate") or {}
    if not settings.get("primary"):
        raise MetricError("params.yaml names no primary metric.", "Add one, such as: evaluate: primary: accuracy")
    others = settings.get("metrics") or []
    return list(dict.fromkeys([settings["primary"], *([others] if isinstance(others, str) else others)]))


def positive_class(contract: Contract) -> Any:
    """The class that matters, of two: evaluate.positive in params.yaml, else by its name, else the second.

    None where there are not two classes. Raises MetricError for a setting that is none of them.
    """
    told, classes = params()["evaluate"].get("positive"), contract.classes
    if told is not None and len(classes) != 2:
        raise MetricError(
            f"evaluate.positive in params.yaml is {told!r}, and {contract.target!r} does not have two classes.",
            "Remove it: a metric such as f1_macro looks at all classes.",
        )
    if len(classes) != 2:
        return None
    if told is not None:
        for label in classes:
            if label == told or str(label).lower() == str(told).lower():
                return label
        raise MetricError(
            f"evaluate.positive in params.yaml is {told!r}, which is no class of {contract.target!r}.",
            f"There are: {' and '.join(repr(label) for label in classes)}.",
        )
    yes, no = ([str(label).strip().lower() in words for label in classes] for words in (YES, NO))
    if yes[0] != yes[1]:
        return classes[yes.index(True)]
    return classes[no.index(False)] if no[0] != no[1] else classes[1]


def scorer(name: str, contract: Contract) -> Callable[..., float]:
    """The scorer of this name: one of SCORERS in model.py, else scikit-learn's, told which class matters.

    Raises MetricError for a name that there is not; the nearest are named.
    """
    from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

    own = getattr(project().model, "SCORERS", {})
    if name in own:
        chosen: Callable[..., float] = own[name]
        return chosen
    known = get_scorer_names()
    if name not in known:
        near = get_close_matches(str(name).lower(), [*own, *known], 3, 0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "They are scikit-learn's names of scorers, such as r2."
        raise MetricError(f"params.yaml names the metric {name!r}, which there is not.", hint)
    found: Any = get_scorer(name)
    positive = positive_class(contract)
    takes = inspect.signature(found._score_func).parameters
    binary = found._kwargs.get("average", "binary") == "binary"
    if positive is None or "pos_label" not in takes or not binary:
        return found  # type: ignore[no-any-return]
    more = {**found._kwargs, "pos_label": positive}
    if "zero_division" in takes:
        more["zero_division"] = 0.0
    return make_scorer(  # type: ignore[no-any-return]
        found._score_func, response_method=found._response_method, greater_is_better=found._sign > 0, **more
    )


def asked(measure: Callable[..., float], name: str, model: Any, rows: pd.DataFrame, labels: Any) -> float:
    """A scorer's value. Raises MetricError where it does not fit the labels or the model."""
    try:
        return float(measure(model, rows, labels))
    except (ValueError, TypeError, AttributeError) as error:
        told = " ".join(str(error).split()).rstrip(".")
        raise MetricError(
            f"The metric {name!r} of params.yaml cannot be measured here: {told}.", hint_for(name)
        ) from None


def hint_for(name: str) -> str:
    """Which metrics fit other labels."""
    from sklearn.metrics import get_scorer_names

    several = [
        f"{name}{end}" for end in ("_macro", "_weighted", "_ovr_weighted") if f"{name}{end}" in get_scorer_names()
    ]
    return f"Take {' or '.join(several)}." if several else "Take another one in evaluate of params.yaml."


def check_slices(contract: Contract) -> None:
    """Raise MetricError where evaluate.slices of params.yaml names a column that is no feature."""
    features = [column.name for column in contract.features]
    for name in params()["evaluate"].get("slices") or []:
        if name not in features:
            near = get_close_matches(str(name), features, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The features are: {', '.join(features)}."
            raise MetricError(f"evaluate.slices in params.yaml names {name!r}, which is no feature.", hint)


def check_metrics(contract: Contract, frame: pd.DataFrame) -> None:
    """Measure the baseline on some rows by every metric of params.yaml, so that a wrong one is told before the work.

    Raises MetricError.
    """
    import pandas as pd

    some = frame.head(SOME)
    if contract.classes:  # and of each class one
        some = pd.concat([some, frame[~frame[contract.target].duplicated()]], ignore_index=True)
    rows, labels = contract.coerce(some), contract.labels(some)
    guess = project().model.baseline().fit(rows, labels)
    with warnings.catch_warnings(action="ignore"):
        for name in metric_names():
            asked(scorer(name, contract), name, guess, rows, labels)
