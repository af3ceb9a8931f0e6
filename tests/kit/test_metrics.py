"""A metric is a word in params.yaml: it works for labels of any kind, or one sentence says why not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_kit.contract import Contract, load
from mlops_kit.ground import Project, using
from mlops_kit.training import (
    MetricError,
    check_metrics,
    measure,
    metrics,
    positive_class,
    score,
    score_slices,
    stage,
    write_plots,
)
from mlops_kit.training.measuring import warn_of_a_guess
from mlops_kit.training.metrics import check_slices
from sklearn.metrics import average_precision_score, f1_score

from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

Asked = Callable[..., Contract]


@pytest.fixture
def asked(project: Project, tmp_path: Path) -> Iterator[Asked]:
    """Gives the contract of a copy of the project whose params.yaml asks for other metrics."""
    here = copied(project, tmp_path, "params.yaml", "contract.yaml", "src")
    with using(here):

        def ask(**evaluate: Any) -> Contract:
            settings = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
            settings["evaluate"] |= evaluate
            write(tmp_path / "params.yaml", yaml.safe_dump(settings))
            return load()

        yield ask


def test_metrics_of_the_positive_class_work_on_words(asked: Asked, model: Any, parts: Any) -> None:
    test = parts[1]
    for label in ("in", "out"):
        contract = asked(positive=label)
        rows, labels = contract.coerce(test), contract.labels(test)
        found = score(model, contract, test, ["f1", "recall", "average_precision", "neg_brier_score", "f1_macro"])
        assert found["f1"] == pytest.approx(f1_score(labels, model.predict(rows), pos_label=label), abs=1e-6)
        shares = model.predict_proba(rows)[:, list(model.classes_).index(label)]
        assert found["average_precision"] == pytest.approx(
            average_precision_score(labels, shares, pos_label=label), abs=1e-6
        )


@pytest.mark.parametrize(
    ("classes", "told", "expected"),
    [
        (("no", "yes"), None, "yes"),
        (("Yes", "never"), None, "Yes"),
        ((0, 1), None, 1),
        ((False, True), None, True),
        (("bad", "good"), None, "bad"),
        (("bad", "good"), "good", "good"),
        (("down", "up"), None, "up"),
        (("Ja", "Nein"), None, "Ja"),
        ((0, 1), "0", 0),
        (("a", "b", "c"), None, None),
    ],
)
def test_the_class_that_matters(asked: Asked, classes: Any, told: Any, expected: Any) -> None:
    from dataclasses import replace

    contract = asked(positive=told)
    target = replace(contract.target_column, categories=classes)
    assert positive_class(replace(contract, columns=(*contract.columns[:-1], target))) == expected


def test_a_positive_class_that_is_none_is_one_sentence(asked: Asked) -> None:
    with pytest.raises(MetricError, match=r"evaluate.positive in params.yaml is 'inside'.*'in' and 'out'"):
        positive_class(asked(positive="inside"))


def test_a_metric_that_there_is_not_names_the_nearest(asked: Asked) -> None:
    for word, near in (("F1", "f1"), ("roc_auc_weighted", "roc_auc_ovr_weighted"), ("acuracy", "accuracy")):
        contract = asked(primary=word)
        with pytest.raises(
            MetricError, match=rf"the metric '{word}', which there is not\. Did you mean .*{near}"
        ) as told:
            metrics.scorer(word, contract)
        assert "\n" not in str(told.value)


@kinds("grades")
def test_a_metric_for_two_classes_is_refused_for_three_before_the_training(asked: Asked, parts: Any) -> None:
    contract = asked(metrics=["f1"])
    with pytest.raises(MetricError, match=r"'f1' of params.yaml cannot be measured here: .*multiclass.*f1_macro"):
        check_metrics(contract, parts[0])


def test_a_metric_of_numbers_is_refused_for_classes(asked: Asked, parts: Any) -> None:
    contract = asked(metrics=["r2"])
    with pytest.raises(MetricError, match=r"'r2' of params\.yaml cannot be measured here"):
        check_metrics(contract, parts[0])


@kinds("grades", "prices", "truths")
def test_the_templates_own_metrics_fit(contract: Contract, parts: Any) -> None:
    check_metrics(contract, parts[0])


def test_a_model_that_answers_another_number_of_rows_is_one_sentence(contract: Contract, parts: Any) -> None:
    class Short:
        predict = staticmethod(lambda _: [0])

    with pytest.raises(MetricError, match="gives 1 predictions for 3 rows"):
        score(Short(), contract, parts[1], ["accuracy"])


class Counted:
    """A model that counts the rows of each question."""

    def __init__(self, model: Any) -> None:
        self.model, self.classes_ = model, model.classes_
        self.sizes: list[int] = []

    def predict(self, rows: Any) -> Any:
        self.sizes.append(len(rows))
        return self.model.predict(rows)

    def predict_proba(self, rows: Any) -> Any:
        self.sizes.append(len(rows))
        return self.model.predict_proba(rows)


@kinds("grades")
def test_a_model_predicts_once_for_all_metrics_and_once_for_all_slices(
    contract: Contract, model: Any, parts: Any
) -> None:
    test, names, counted = parts[1], ["accuracy", "f1_macro", "roc_auc_ovr_weighted", "neg_log_loss"], Counted(model)
    rows, labels = contract.coerce(test), contract.labels(test)
    expected = {name: metrics.scorer(name, contract)(model, rows, labels) for name in names}
    assert score(counted, contract, test, names) == pytest.approx(expected, abs=1e-6)
    assert counted.sizes == [3, len(test), len(test)], "three rows are a look at the model"
    counted.sizes.clear()
    sliced = dict(score_slices(counted, contract, test, {"primary": "accuracy"}))
    assert counted.sizes == [len(test)]
    right = model.predict(rows) == labels
    assert sliced
    for name, found in sliced.items():
        column, _, value = name.partition("=")
        chosen = (test[column].astype(str) == value).to_numpy()
        assert found == {"rows": chosen.sum(), "accuracy": pytest.approx(right[chosen].mean(), abs=1e-6)}


@kinds("grades")
def test_the_report_and_its_plots_ask_a_model_once(
    project: Project, contract: Contract, model: Any, parts: Any, tmp_path: Path
) -> None:
    with using(copied(project, tmp_path, "params.yaml", "contract.yaml", "src")):
        counted = Counted(model)
        report = measure(counted, contract, *parts)
        counted.sizes.clear()
        write_plots(counted, contract, parts[1], report)
        assert len(parts[1]) not in counted.sizes, "its answers are known"
        counted.sizes.clear()
        write_plots(counted, contract, parts[1].iloc[::-1], report)
        assert counted.sizes[:2] == [len(parts[1])] * 2, "these are other rows"


def test_a_slice_of_a_column_that_there_is_not_names_the_nearest(asked: Asked) -> None:
    check_slices(asked(slices=["x"]))
    with pytest.raises(MetricError, match=r"names 'X ', which is no feature\. The features are: x, y\."):
        check_slices(asked(slices=["X "]))


@pytest.mark.parametrize(("balanced", "warns"), [(0.5, True), (0.505, True), (0.52, False)])
def test_a_balanced_accuracy_of_a_guess_is_a_warning(
    contract: Contract, balanced: float, warns: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_a_guess(contract, balanced)
    said = capsys.readouterr().out
    assert said.startswith("warning: balanced_accuracy 0.5") == warns
    assert ("threshold: f1" in said) == warns


def test_an_error_in_ones_own_code_is_one_sentence_with_its_line(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = copied(project, tmp_path, "params.yaml", "contract.yaml", "pyproject.toml", "src")
    code = tmp_path / f"src/{project.package}/model.py"
    write(code, code.read_text(encoding="utf-8").replace("    categories = ", "    1 / 0\n    categories = ", 1))
    with using(here):

        @stage
        def train() -> None:
            here.model.build(load(), {})

        with pytest.raises(SystemExit) as told:
            train()
        assert str(told.value).startswith(f"src/{project.package}/model.py, line ")
        assert "ZeroDivisionError: division by zero. All of it: TRACEBACK=1" in str(told.value)
