"""A rare class gets a decision threshold: chosen on folds, kept in the model, and the same in file and service."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.data import TEST, TRAIN
from mlops_kit.frameworks import Decision, framework
from mlops_kit.ground import Project, project, using
from mlops_kit.registry.cards import model_card
from mlops_kit.serving.endpoint import rows_as_json
from mlops_kit.serving.predict import predictions
from mlops_kit.testing.services import started
from mlops_kit.training import MetricError, fit, keeping, measure, save
from mlops_kit.training.deciding import decided, wanted
from sklearn.metrics import f1_score

from tests.kit.projects import copied, write

ROWS = 1500


@pytest.fixture
def settings(project: Project, tmp_path: Path) -> Iterator[Callable[..., Contract]]:
    """Gives the contract of a project of which one class is rare and noisy; params.yaml says what the test asks for."""
    here = copied(project, tmp_path, "params.yaml", "contract.yaml", "src")
    dice = np.random.default_rng(5)
    x, y = dice.normal(size=(2, ROWS))
    side = np.where(x + y + dice.normal(0, 1.2, ROWS) > 3.1, "in", "out")
    frame = pd.DataFrame({"x": x, "y": y, "side": side})
    (tmp_path / TRAIN).parent.mkdir(parents=True)
    frame[:1000].to_parquet(tmp_path / TRAIN)
    frame[1000:].to_parquet(tmp_path / TEST)
    with using(here):

        def ask(**evaluate: Any) -> Contract:
            params = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
            params["evaluate"] |= {"positive": "in", **evaluate}
            write(tmp_path / "params.yaml", yaml.safe_dump(params))
            return load()

        yield ask


@pytest.fixture
def trained(settings: Callable[..., Contract]) -> Callable[..., tuple[Any, Contract]]:
    """Gives a model that is fitted to it, and the contract."""

    def train(**evaluate: Any) -> tuple[Any, Contract]:
        contract = settings(**evaluate)
        model = fit(project().model.build(contract, {"max_iter": 30, "random_state": 0}), contract)
        return decided(model, contract), contract

    return train


def test_a_rare_class_gets_a_threshold_and_is_found_more_often(trained: Any) -> None:
    usual, contract = trained(threshold="none")
    test = pd.read_parquet(project().root / TEST)
    rows, labels = contract.coerce(test), contract.labels(test)
    before = usual.predict(rows)
    assert framework().decision_of(usual) is None
    model, _ = trained(threshold=None)
    decision: Any = framework().decision_of(model)
    assert decision.positive == "in"
    assert decision.threshold < 0.5
    after = model.predict(rows)
    assert ((model.predict_proba(rows)[:, 0] >= decision.threshold) == (after == "in")).all()
    assert f1_score(labels, after, pos_label="in") > f1_score(labels, before, pos_label="in")
    report = measure(model, contract, pd.read_parquet(project().root / TRAIN), test)
    assert report["decision"] == {"positive": "in", "threshold": decision.threshold}


@pytest.mark.long
def test_the_threshold_of_a_weighted_model_is_found_by_models_with_the_same_weights(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, file = settings(), project().root / TRAIN
    frame = pd.read_parquet(file)
    monkeypatch.setattr(keeping, "record_training", lambda *_: "run")
    thresholds = []
    for weight in (1, 20):
        frame.assign(exposure=np.where(frame["side"] == "in", weight, 1)).to_parquet(file)
        model = project().model.build(contract, {"max_iter": 30, "random_state": 0})
        keeping.keep(fit(model, contract, weights="exposure"), contract)
        decision: Any = framework().decision_of(models.load_model(project().root / "model"))
        thresholds.append(decision.threshold)
    assert thresholds[0] < 0.5 < thresholds[1], "the probabilities are higher, and so is the best threshold"


def test_classes_of_like_size_get_none_unless_one_asks(project: Project, model: Any, contract: Contract) -> None:
    assert wanted(contract) is None
    assert framework().decision_of(model) is None


@pytest.mark.parametrize("threshold", [0.2, "recall"])
def test_a_probability_or_a_metric_may_be_named(trained: Any, threshold: Any) -> None:
    decision: Any = framework().decision_of(trained(threshold=threshold)[0])
    assert decision.threshold == 0.2 if threshold == 0.2 else decision.threshold < 0.1


@pytest.mark.parametrize(
    ("told", "says"),
    [(1.5, "evaluate.threshold in params.yaml is 1.5"), ("F2", "the metric 'F2'"), ([1], "is \\[1\\]")],
)
def test_a_threshold_that_is_none_is_one_sentence(settings: Any, told: Any, says: str) -> None:
    with pytest.raises(MetricError, match=says):
        wanted(settings(threshold=told))


def test_a_positive_class_needs_two_classes(settings: Any) -> None:
    contract = settings(threshold=0.3)
    target = replace(contract.target_column, categories=("a", "b", "c"))
    with pytest.raises(MetricError, match="does not have two classes"):
        wanted(replace(contract, columns=(*contract.columns[:-1], target)))


def test_file_service_and_hash_have_the_threshold(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, contract = trained(threshold=0.05)
    rows = contract.sample(200)
    plain, _ = trained(threshold="none")
    hashes = {models.prediction_hash(one, contract.coerce(rows)) for one in (model, plain)}
    assert len(hashes) == 2
    save(model, contract, tmp_path / "model")
    write(tmp_path / "model/run_id", "test\n")
    again = models.load_model(tmp_path / "model")
    assert framework().decision_of(again) == Decision("in", 0.05)
    expected = predictions(model, contract, rows)
    assert (expected["prediction"] == "in").sum() == (expected["probability in"] >= 0.05).sum() > 0
    with started(tmp_path / "model", tmp_path / "log") as service:
        assert service.predict(rows) == expected["prediction"].tolist()
        assert service.send("/ready", None).json["decision"] == "'in' from a probability of 0.05"
        found = service.send(f"/v2/models/{project().name}", None).json["outputs"][0]["parameters"]
        assert found == {"positive": "in", "threshold": 0.05}
    assert len(rows_as_json(contract, rows)) == 200


def test_the_card_names_it(settings: Any) -> None:
    contract = settings()
    champion = models.Champion(1, "md5", "", "", "hash", {"f1": 0.5})
    report = {"prediction_sha256": "hash", "decision": {"positive": "in", "threshold": 0.05}}
    write(project().root / "metrics.json", json.dumps(report))
    assert "It answers `in` from a probability of 0.05 on" in "\n".join(model_card(champion, contract))
