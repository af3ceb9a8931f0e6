"""The decision threshold of a fitted model, in scikit-learn's own FixedThresholdClassifier around its last step."""

from __future__ import annotations

from typing import Any

from mlops_kit.frameworks.decision import Decision


def decide(model: Any, decision: Decision) -> Any:
    """A fitted model that decides so; a pipeline is changed in place."""
    from sklearn.model_selection import FixedThresholdClassifier
    from sklearn.pipeline import Pipeline

    last = model[-1] if isinstance(model, Pipeline) else model
    fixed = FixedThresholdClassifier(
        last, threshold=decision.threshold, pos_label=decision.positive, response_method="predict_proba"
    )
    fixed.estimator_ = last  # as its `fit` leaves it
    if not isinstance(model, Pipeline):
        return fixed
    model.steps[-1] = (model.steps[-1][0], fixed)
    return model


def decision_of(model: Any) -> Decision | None:
    """How a model decides; None where its answer is the most likely class."""
    from sklearn.model_selection import FixedThresholdClassifier
    from sklearn.pipeline import Pipeline

    last = model[-1] if isinstance(model, Pipeline) else model
    return Decision(last.pos_label, last.threshold) if isinstance(last, FixedThresholdClassifier) else None
