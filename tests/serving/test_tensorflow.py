"""A Keras network in the place of scikit-learn's model: everything around it works as before (L3)."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project import first_change
from tests.project.running import copied, poe, python
from tests.scale.searching import found, search, trials
from tests.serving.houses import houses

pytestmark = pytest.mark.long
# A trial is a few seconds long.
SPACE = """
seed: 7
batch: 3
folds: 2
model:
  dropout: { from: 0.0, to: 0.5, step: 0.05 }
  learning_rate: { from: 0.0003, to: 0.01, log: true }
  batch_size: { choices: [32, 64] }
"""


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project on houses."""
    return copied(houses(template, tmp_path_factory), tmp_path_factory.mktemp("tensorflow") / "houses")


def test_it_learns_and_predicts(project: Path, tmp_path: Path) -> None:
    assert git("status", "--porcelain", cwd=project) == ""
    assert yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))["metrics"]["r2"] > 0.8
    poe(project, "predict", "data/raw/houses.csv", "--output", str(tmp_path / "answers.csv"))
    assert len((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()) == 401


@pytest.mark.soak
def test_it_finds_better_parameters(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("epochs: 100", "epochs: 3"), encoding="utf-8")
    (project / "search.yaml").write_text(SPACE, encoding="utf-8")
    before = yaml.safe_load(params.read_text(encoding="utf-8"))
    try:
        done = search(project, "3", "--workers", "1")
        assert found(done).startswith("the best is trial ")
        made = trials(project)
        assert [len(scores) for _, scores in made.values()] == [2, 2, 2]
        best_of, _ = max(made.values(), key=lambda trial: sum(trial[1]))
        after = yaml.safe_load(params.read_text(encoding="utf-8"))
        assert after == {**before, "model": {**before["model"], **best_of}}
        # A network for each fold of each trial: nothing that TensorFlow should warn of.
        assert "WARNING" not in done.stdout + done.stderr
    finally:
        git("checkout", "--quiet", ".", cwd=project)


LAYERS = """
from houses import model
from mlops_kit.frameworks.tensorflow.quietly import keras
from mlops_kit.ground import params
features = keras.Input((3,))
network = keras.Model(features, model.layers(features, params()["model"]))
print({type(layer.kernel_regularizer).__name__ for layer in network.layers if hasattr(layer, "kernel_regularizer")})
"""


@pytest.mark.soak
def test_the_first_change_reaches_every_layer(project: Path) -> None:
    """The one that its first page proposes."""
    assert python(project, LAYERS) == "{'NoneType'}"
    first_change.make(project)
    try:
        assert python(project, LAYERS) == "{'L2'}"
    finally:
        git("checkout", "--quiet", ".", cwd=project)
