"""A model of one's own takes ten lines of model.py: it is kept, loaded, served, and never breaks on a number."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.frameworks import ModelError
from mlops_kit.ground import Project, using
from mlops_kit.serving.predictor import Predictor
from mlops_kit.serving.rows import RowReader, RowsError
from mlops_kit.training import fit, save, score
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier

from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

HEAD = """
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from .features import preprocessor
{imports}

def build(contract, parameters):
    return make_pipeline(preprocessor(contract), {steps})

def baseline():
    return DummyClassifier(strategy="prior")
"""
FOREST = {
    "imports": "from sklearn.ensemble import RandomForestClassifier",
    "steps": "RandomForestClassifier(30, random_state=0)",
}
LINEAR = {
    "imports": "from sklearn.impute import SimpleImputer\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.preprocessing import StandardScaler",
    "steps": "SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=200)",
}
XGBOOST = {
    "imports": "from mlops_kit.estimators import Encoded\nfrom xgboost import XGBClassifier\n"
    'TRUSTED_TYPES = ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"]',
    "steps": "Encoded(XGBClassifier(n_estimators=20))",
}
MODELS = {"forest": FOREST, "linear": LINEAR, "xgboost": XGBOOST}
UNTRUSTED = {**XGBOOST, "imports": XGBOOST["imports"].split("\nTRUSTED")[0]}

Own = Callable[[dict[str, str]], Contract]


@pytest.fixture
def own(project: Project, tmp_path: Path) -> Iterator[Own]:
    """Gives a copy of the project, with data that is split, a model.py of one's own."""
    from mlops_kit.data import checked_rows, split, write_parts

    here = copied(project, tmp_path, "contract.yaml", "params.yaml", "pyproject.toml", "src", "data")
    with using(here):
        contract = load()
        write_parts(*split(contract, checked_rows(contract)))

        def write_model(parts: dict[str, str]) -> Contract:
            write(tmp_path / f"src/{here.package}/model.py", HEAD.format(**parts))
            forget(here.package)
            return contract

        yield write_model
    forget(here.package)


def forget(package: str) -> None:
    import sys

    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        del sys.modules[name]


def kept(contract: Contract, folder: Path) -> Any:
    """A model that was fitted, kept and read again."""
    from mlops_kit.ground import project

    save(fit(project().model.build(contract, {}), contract), contract, folder)
    (folder / "run_id").write_text("test\n", encoding="utf-8")
    return models.load_model(folder)


@pytest.mark.parametrize("name", MODELS)
@kinds("grades", "truths")
def test_it_is_kept_served_and_refuses_what_it_cannot_take(own: Own, name: str, tmp_path: Path) -> None:
    if name == "xgboost":
        pytest.importorskip("xgboost", reason="XGBoost is not in this environment")
    contract = own(MODELS[name])
    model = kept(contract, tmp_path / "model")
    from mlops_kit.data import test_part as read_test_part

    assert score(model, contract, read_test_part(), ["accuracy"])["accuracy"] > 0.5
    predictor, rows = Predictor(model, contract), contract.sample(20)
    columns = {str(key): values.to_numpy() for key, values in contract.coerce(rows).items()}
    assert predictor(columns).predictions == model.predict(contract.coerce(rows)).tolist()
    for column in contract.of_type("numeric"):
        for number in (1e38, -1e38, 1e30):
            columns[column] = np.array([number, *columns[column][1:]])
            told = ""
            try:
                shares = predictor(columns).shares
                assert shares is not None
                assert np.isfinite(shares).all()
            except RowsError as refused:
                told = str(refused)
            assert not told or repr(column) in told


@pytest.mark.parametrize("number", ["1e308", "-1e308", "3.5e38"])
def test_a_number_that_no_model_can_take_is_refused(contract: Contract, number: str) -> None:
    body = f'{{"rows": [{{"x": {number}, "y": 1}}]}}'.encode()
    with pytest.raises(RowsError, match=r"column 'x': must be a finite number of at most 3.4e38"):
        RowReader(contract).read_body(body)


def test_a_number_that_overflows_in_this_model_is_named_with_its_row(contract: Contract, parts: Any) -> None:
    rows, labels = contract.coerce(parts[0]), contract.labels(parts[0])
    model = make_pipeline(PolynomialFeatures(9), DecisionTreeClassifier(max_depth=2)).fit(rows, labels)
    predictor = Predictor(model, contract)
    assert len(predictor({"x": np.array([0.0, 9.0]), "y": np.zeros(2)}).predictions) == 2
    with (
        np.errstate(over="ignore"),
        pytest.raises(RowsError, match=r"Row 1 \(counted from 0\), column 'y': this model"),
    ):
        predictor({"x": np.zeros(2), "y": np.array([0.0, -3e38])})


def test_an_answer_that_is_no_number_is_the_models_failure_and_not_the_callers(contract: Contract, parts: Any) -> None:
    class Undecided(DummyClassifier):  # type: ignore[misc]
        def predict_proba(self, rows: Any) -> Any:
            return np.full((len(rows), 2), np.nan)

    predictor = Predictor(Undecided().fit(contract.coerce(parts[0]), contract.labels(parts[0])), contract)
    with pytest.raises(ValueError, match="no finite number") as failed:
        predictor({"x": np.zeros(1), "y": np.zeros(1)})
    assert not isinstance(failed.value, RowsError)


def test_types_that_are_not_trusted_are_all_named_as_they_are_to_be_written(own: Own, tmp_path: Path) -> None:
    pytest.importorskip("xgboost", reason="XGBoost is not in this environment")
    contract = own(UNTRUSTED)
    with pytest.raises(ModelError) as refused:
        kept(contract, tmp_path / "model")
    types = 'TRUSTED_TYPES = ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"]'
    assert types in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_a_model_imports_is_among_its_requirements(own: Own, tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost", reason="XGBoost is not in this environment")
    kept(own(XGBOOST), tmp_path / "model")
    written = (tmp_path / "model/requirements.txt").read_text(encoding="utf-8").split()
    assert any(line.startswith("xgboost") and line.endswith(f"=={xgboost.__version__}") for line in written), written


def test_a_promotion_does_not_need_the_types_of_the_model_before(
    own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xgboost", reason="XGBoost is not in this environment")
    kept(own(XGBOOST), tmp_path / "model")
    shutil.move(tmp_path / "model", tmp_path / "champion")
    own(FOREST)
    with pytest.raises(ModelError, match="are not trusted"):
        models.champion_model(tmp_path / "champion")
    md5 = models.folder_md5(tmp_path / "champion")
    models.write_champion(models.Champion(1, md5, "", "", "", {}))
    assert models.champion_model(tmp_path / "champion").predict(load().sample(3)).shape == (3,)
