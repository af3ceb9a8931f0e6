"""Each recipe of docs/extend.md works as it is written: a project that follows it is split, trained and measured."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_kit.contract import ContractError, load
from mlops_kit.data import checked_rows, split, write_parts
from mlops_kit.data import test_part as read_test_part
from mlops_kit.ground import Project, params, using
from mlops_kit.models import load_model
from mlops_kit.training import fit, measure, save

from tests.kit.projects import ROOT, copied, write

PAGE = (ROOT / "docs/extend.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n.*?```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))
MODELS = {
    "Another estimator": {"n_estimators": 20, "random_state": 42},
    "A pipeline of your own": {"max_iter": 200},
    "XGBoost": {"n_estimators": 20},
}
SETTINGS = ("Another metric", "A decision threshold", "A split by time, or by group", "Weights")


@pytest.fixture
def here(project: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project `plain`, to extend."""
    made = copied(project, tmp_path, "contract.yaml", "params.yaml", "pyproject.toml", "src", "data")
    forget(made)
    with using(made):
        yield made
    forget(made)


def forget(project: Project) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == project.package]:
        del sys.modules[name]


def settings(project: Project, **changes: Any) -> None:
    """Change params.yaml."""
    file = project.root / "params.yaml"
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    write(file, yaml.safe_dump({**told, **changes}))


def run(project: Project) -> dict[str, Any]:
    """What the stages do. Gives back the report."""
    contract = load()
    write_parts(*split(contract, checked_rows(contract)))
    save(fit(project.model.build(contract, params()["model"]), contract), contract, project.root / "model")
    model = load_model(project.root / "model")
    from mlops_kit.data import train_part

    return measure(model, contract, train_part(contract), read_test_part())


@pytest.mark.parametrize("recipe", MODELS)
def test_another_model_is_one_file_of_few_lines(recipe: str, here: Project) -> None:
    if recipe == "XGBoost":
        pytest.importorskip("xgboost", reason="XGBoost is not in this environment")
    write(here.root / f"src/{here.package}/model.py", RECIPES[recipe])
    settings(here, model=MODELS[recipe])
    report = run(here)
    assert report["metrics"]["accuracy"] > report["baseline"]["accuracy"] + 0.1


@pytest.mark.parametrize("recipe", SETTINGS)
def test_a_setting_is_a_line_of_params_yaml(recipe: str, here: Project) -> None:
    settings(here, **yaml.safe_load(RECIPES[recipe]))
    report = run(here)
    primary = params()["evaluate"]["primary"]
    assert report["metrics"][primary] > report["baseline"][primary] + 0.1
    if recipe.startswith("A split"):
        assert read_test_part()["x"].min() > 0


def test_a_metric_of_ones_own(here: Project) -> None:
    file = here.root / f"src/{here.package}/model.py"
    write(file, f"{file.read_text(encoding='utf-8')}\n\n{RECIPES['A metric of your own']}")
    settings(here, evaluate={"primary": "cost", "metrics": [], "slices": []})
    report = run(here)
    assert report["baseline"]["cost"] < report["metrics"]["cost"] <= 0


def test_features_of_ones_own(here: Project) -> None:
    write(here.root / f"src/{here.package}/features.py", RECIPES["Features of your own"])
    assert run(here)["metrics"]["accuracy"] > 0.8


@pytest.mark.parametrize("recipe", ["A split of your own", "A second table, joined before the split"])
def test_prepare_is_yours(recipe: str, here: Project) -> None:
    contract = load()
    names: dict[str, Any] = {"rows": checked_rows(contract)}
    before = len(names["rows"])
    exec(RECIPES[recipe], names)
    if "train" in names:
        assert len(names["train"]) + len(names["test"]) == before
        assert names["train"]["x"].max() <= names["test"]["x"].min()
    assert list(names["rows"].columns) == [column.name for column in contract.columns]


def test_a_weight_for_each_row(here: Project) -> None:
    contract = load()
    train, test = split(contract, checked_rows(contract))
    model = here.model.build(contract, params()["model"])

    def weighted(weights: Any) -> list[str]:
        write_parts(train.assign(exposure=weights), test)
        exec(RECIPES["A weight for each row"], dict(fit=fit, model=model, contract=contract))
        return sorted(set(model.predict(contract.coerce(test))))

    assert weighted(1.0) == ["in", "out"]
    assert weighted((train["side"] == "in").map({True: "1", False: "0.000001"})) == ["in"]
    for wrong, told in ((-1.0, r"-1.0 \(160 such rows\)"), (None, r"\(160 such rows\)"), (0.0, "all are 0")):
        with pytest.raises(ContractError, match=f"weights in 'exposure' cannot be used, .*{told}"):
            weighted(wrong)
    write_parts(train, test)
    with pytest.raises(ContractError, match=r"'exposure', which the training part does not have"):
        fit(model, contract, weights="exposure")


def test_a_column_that_is_no_feature_is_kept_for_its_weights(here: Project) -> None:
    contract = load()
    narrow = replace(contract, columns=tuple(c for c in contract.columns if c.name != "x"), ignored={"x": "a weight"})
    assert list(checked_rows(narrow, "x"))[-1] == "x"
    with pytest.raises(ContractError, match=r"prepare.py asks for the column 'z', which the data does not have"):
        checked_rows(narrow, "z")


def test_a_check_of_ones_own(here: Project) -> None:
    names: dict[str, Any] = {}
    exec(RECIPES["A check of your own"], names)
    contract = load()
    names["test_x_is_centred"](split(contract, checked_rows(contract)))
