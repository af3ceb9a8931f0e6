"""Models: what tells them apart, what their files may hold, and what they predict for a file."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.data.sample import as_written
from mlops_kit.frameworks import Framework, framework
from mlops_kit.frameworks.sklearn import saving
from mlops_kit.ground import Project, project, using
from mlops_kit.ground.project import FRAMEWORKS
from mlops_kit.models import ModelError, folder_md5, load_model, prediction_hash, requirements, signature
from mlops_kit.serving import predict
from mlops_kit.serving.predict import predictions
from mlops_kit.testing import check_fits
from mlops_kit.training import save

from tests.kit.kinds import kinds
from tests.kit.projects import copied

EVERY = kinds("grades", "prices", "truths", "light_grades", "light_prices", "quoted")


@kinds("grades", "prices")
def test_hashes_change_with_the_content(contract: Contract, model: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    before = folder_md5(tmp_path)
    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert folder_md5(tmp_path) != before
    first, second = contract.coerce(contract.sample(20, seed=1)), contract.coerce(contract.sample(20, seed=2))
    assert prediction_hash(model, first) != prediction_hash(model, second)


@EVERY
def test_a_model_that_is_read_again_answers_as_before(contract: Contract, model: Any, saved: Path) -> None:
    rows = contract.coerce(contract.sample(50))
    assert prediction_hash(load_model(saved), rows) == prediction_hash(model, rows)
    assert not list(saved.rglob("*.pkl"))
    assert not list(saved.rglob("__pycache__"))


@kinds("plain", "light_prices")
def test_saving_a_model_does_not_search_all_that_is_installed(
    contract: Contract, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each training, that would take half a second twice."""
    search = Mock(return_value={})
    monkeypatch.setattr("importlib_metadata.packages_distributions", search)
    monkeypatch.setattr(sys.modules["mlops_kit.models.signature"], "packages_distributions", search)
    monkeypatch.setattr("mlflow.utils.requirements_utils._MODULES_TO_PACKAGES", None)
    save(model, contract, tmp_path / "model")
    search.assert_not_called()
    assert "scikit-learn==" in (tmp_path / "model/requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_framework_has_what_the_protocol_lists(project: Project, name: str) -> None:
    listed = {*Framework.__annotations__, *(one for one in vars(Framework) if not one.startswith("_"))}
    with using(replace(project, framework=name)):
        assert [one for one in sorted(listed) if not hasattr(framework(), one)] == []


def test_a_model_requires_its_own_framework_and_no_other(project: Project) -> None:
    needed = {}
    for name in ("sklearn", "lightgbm"):
        with using(replace(project, framework=name)):
            needed[name] = {line.partition("==")[0] for line in requirements()}
    assert {"mlflow", "scikit-learn", "skops"} <= needed["sklearn"]
    assert needed["lightgbm"] - needed["sklearn"] == {"lightgbm"}
    assert "keras" not in needed["sklearn"]


@kinds("grades", "light_prices")
def test_a_model_of_types_that_are_not_trusted_is_a_sentence(
    contract: Contract, model: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = dict(pip_requirements=list(requirements()), signature=signature(contract))
    framework().save_model(model, contract, tmp_path / "model", **needs)
    monkeypatch.setattr(saving, "trusted_types", list)
    for act in (
        lambda: framework().save_model(model, contract, tmp_path / "again", **needs),
        lambda: framework().load_model(tmp_path / "model"),
    ):
        with pytest.raises(ModelError, match=r"holds types that are not trusted: .*into model.py: TRUSTED_TYPES = "):
            act()


def test_the_types_of_library_features_and_model_are_trusted_and_no_others(project: Project) -> None:
    listed = saving.trusted_types()
    assert set(listed) >= {"mlops_kit.features.date_parts", *project.module("model").TRUSTED_TYPES}
    assert "sklearn.tree._tree.Tree" not in listed


def test_a_folder_without_a_model_says_what_to_run(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\. Train one: uv run poe repro"):
        load_model(tmp_path)


# --- predictions -----------------------------------------------------------------------------------------------------


@EVERY
def test_predictions_keep_the_order_of_the_rows(contract: Contract, model: object) -> None:
    rows = contract.sample(20).sample(frac=1, random_state=1)
    found = predictions(model, contract, rows)
    assert list(found.index) == list(rows.index)
    assert found["prediction"].notna().all()


@kinds("grades", "prices", "quoted")
def test_predictions_are_written_as_the_data_is(
    contract: Contract, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style: dict[str, Any] = dict(separator=";", decimal=",", thousands="", encoding="utf-8")
    ours = replace(contract, source=replace(contract.source, **style))
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    rows, answers = tmp_path / "rows.csv", tmp_path / "answers.csv"
    as_written(ours, ours.sample(20)).to_csv(rows, index=False, **ours.source.style)
    with using(copied(project(), tmp_path / "copy", "src")) as here:
        (here.root / "contract.yaml").write_text(ours.dump(), encoding="utf-8")
        assert len(ours.read(rows)) == predict.predict(rows, answers) == 20
    count = 21  # of lines, without those in the header's names
    asked, answered = (path.read_text(encoding="utf-8").splitlines()[1 - count :] for path in (rows, answers))
    assert all(answer.startswith(f"{row};") for row, answer in zip(asked, answered, strict=True))
    assert "," in answered[-1].removeprefix(asked[-1])


def test_a_file_that_is_not_there_is_a_sentence(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    monkeypatch.setattr("sys.argv", ["predict", str(tmp_path / "nothing.csv")])
    with pytest.raises(SystemExit, match=r"^There is no file .*nothing\.csv\. Check the path\.$"):
        predict.main()


def test_a_champion_of_other_data_is_a_sentence(
    contract: Contract, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    monkeypatch.setattr("sys.argv", ["predict"])
    other = replace(contract, columns=(*contract.columns, replace(contract.features[0], name="unheard of")))
    with using(copied(project(), tmp_path / "copy", "src")) as here:
        (here.root / "contract.yaml").write_text(other.dump(), encoding="utf-8")
        with pytest.raises(SystemExit, match=r"the column 'unheard of' is .* not in the model\. Train again: "):
            predict.main()


def test_tests_on_parts_of_other_data_fail_with_what_to_run(contract: Contract) -> None:
    rows = contract.sample(1)
    check_fits(contract, rows)
    column = contract.features[0].name
    with pytest.raises(pytest.fail.Exception, match=rf"{column}.*Run: uv run poe repro"):
        check_fits(contract, rows.drop(columns=column))
