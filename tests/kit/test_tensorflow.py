"""TensorFlow: networks of the person's features and layers, their SavedModel, and TensorFlow Serving in front of it.

All that loads TensorFlow is here, and only where a test runs: loading takes seconds, and each core reads this file.
Where TensorFlow Serving is not installed, a stand-in serves.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import numpy as np
import pytest
from mlops_kit import models
from mlops_kit.contract import Column, Contract, load
from mlops_kit.data import train_part
from mlops_kit.frameworks import Decision, fit_in_batches, framework
from mlops_kit.ground import Project, params, project, using
from mlops_kit.models import Champion, ModelError, load_model, prediction_hash
from mlops_kit.search.objective import Objective, Task, assign_folds
from mlops_kit.serving import mlflow_server, tensorflow_serving
from mlops_kit.serving.endpoints import interface
from mlops_kit.serving.predict import predictions
from mlops_kit.serving.tensorflow_serving import Follower
from mlops_kit.testing.services import Service, started
from mlops_kit.training import save

from tests.kit import hashes
from tests.kit.conftest import Parts, split_of
from tests.kit.kinds import kinds
from tests.kit.projects import copied, make
from tests.kit.service_contract import ServiceContract
from tests.kit.test_batches import beats_the_baseline
from tests.kit.test_batches import parts as parts_of
from tests.kit.test_own_tests import run_all
from tests.web import Quiet, listening

if TYPE_CHECKING:
    from mlops_kit.testing.saved_models import Runner

pytestmark = pytest.mark.long

NOBODY = "http://127.0.0.1:9"
EVERY = kinds("deep_grades", "deep_prices")
ONE = kinds("deep_prices")


@pytest.fixture
def tf() -> Any:
    """TensorFlow."""
    from mlops_kit.frameworks.tensorflow.quietly import tensorflow

    return tensorflow


# --- the model -------------------------------------------------------------------------------------------------------


@EVERY
def test_a_network_that_is_read_again_answers_as_before(contract: Contract, model: Any, saved: Path) -> None:
    rows = contract.coerce(contract.sample(50))
    read = load_model(saved)
    assert prediction_hash(read, rows) == prediction_hash(model, rows)
    assert list(getattr(read, "classes_", [])) == contract.classes
    assert models.folder_md5(saved).endswith(".dir")


@EVERY
def test_the_project_predicts_what_was_recorded(
    request: pytest.FixtureRequest, project: Project, contract: Contract, model: Any, parts: Parts
) -> None:
    rows = contract.coerce(parts[1]).head(10)
    answers = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    predicts = [round(float(number), 6) for number in answers.ravel()]
    hashes.check(request.node.callspec.params["project"], project, predicts)


@ONE
def test_a_threshold_decides_in_the_network_and_in_its_graph(
    project: Project, monkeypatch: pytest.MonkeyPatch, tf: Any
) -> None:
    from mlops_kit.frameworks.tensorflow.estimator import Classifier
    from mlops_kit.frameworks.tensorflow.saved_model import outputs

    answers = np.array([[0.3, 0.7], [0.1, 0.9]], dtype="float32")
    network: Any = Classifier()
    monkeypatch.setattr(network, "answers", lambda _: answers)
    network.classes = ["in", "out"]
    assert network.predict(None).tolist() == ["out", "out"]
    assert framework().decision_of(network) is None
    framework().decide(network, Decision("in", 0.25))
    assert framework().decision_of(network) == Decision("in", 0.25)
    assert network.predict(None).tolist() == ["in", "out"]
    assert outputs(network, tf.constant(answers))["prediction"].numpy().tolist() == [b"in", b"out"]


@EVERY
def test_a_network_is_read_by_mlflow_as_any_model_is(contract: Contract, model: Any, saved: Path) -> None:
    import mlflow.pyfunc

    rows = contract.coerce(contract.sample(20))
    found = mlflow.pyfunc.load_model(str(saved)).predict(rows)
    assert np.asarray(found).ravel().tolist() == np.asarray(model.predict(rows)).tolist()


@ONE
def test_a_folder_without_a_network_says_what_to_run(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\. Train one: uv run poe repro"):
        load_model(tmp_path)


@ONE
def test_a_network_with_code_in_it_is_refused(project: Project, tmp_path: Path) -> None:
    """A Lambda layer is pickled code: whoever could write a model file could run it."""
    layer = "    hidden = keras.layers.Lambda(lambda x: x * 1.0)(features)\n"
    with using(copied(project, tmp_path / "here", "contract.yaml", "data", "params.yaml", "src")) as here:
        file = here.root / "src/deep_prices/model.py"
        ours = file.read_text(encoding="utf-8")
        assert "    hidden = features\n" in ours
        file.write_text(ours.replace("    hidden = features\n", layer), encoding="utf-8")
        contract = load()
        train, _ = split_of(contract)
        model = here.model.build(contract, {**params()["model"], "epochs": 1})
        save(model.fit(contract.coerce(train), contract.labels(train)), contract, tmp_path / "model")
        with pytest.raises(ModelError, match=r"model\.keras cannot be read: .*`Lambda` layer .*layers without code"):
            load_model(tmp_path / "model")


@EVERY
def test_a_network_is_trained_in_batches(large: Contract) -> None:
    train, test = parts_of(large)
    model = project().model.build(large, {**params()["model"], "epochs": 10})
    fit_in_batches(model, large, train_part(large))
    assert beats_the_baseline(model, large, train, test)


@ONE
def test_parameters_that_cannot_be_are_an_answer_and_no_end(project: Project, contract: Contract) -> None:
    frame = contract.sample(60)
    folds = assign_folds(contract, frame, folds=3, seed=1)
    objective = Objective(project, contract, frame, folds, "r2", params()["model"])
    outcome = objective.try_out(Task(0, {"dropout": 2.0}, ()))
    assert outcome.error
    assert not outcome.machine


# --- the SavedModel --------------------------------------------------------------------------------------------------


@pytest.fixture
def runner(saved: Path) -> Runner:
    """The model of the project, as it was exported."""
    from mlops_kit.testing.saved_models import Runner

    return Runner(saved / "saved_model")


@EVERY
def test_its_inputs_are_the_contracts_columns(runner: Runner, contract: Contract) -> None:
    assert set(runner.signature.inputs) == {column.name for column in contract.features}


@EVERY
def test_it_answers_as_the_model_does(runner: Runner, contract: Contract, model: Any) -> None:
    from mlops_kit.frameworks.tensorflow.saved_model import inputs

    rows = contract.sample(50)
    found, expected = runner.run(inputs(contract, rows)), predictions(model, contract, rows)
    if not contract.classes:
        assert found["prediction"] == pytest.approx(expected["prediction"].to_numpy(), rel=1e-5)
        return
    answers = [value.decode() if isinstance(value, bytes) else value for value in found["prediction"].tolist()]
    assert answers == expected["prediction"].tolist()
    assert np.allclose(found["probability"], expected.iloc[:, 1:], atol=1e-5)


@EVERY
def test_what_the_contract_refuses_is_refused_by_name(runner: Runner, contract: Contract, tf: Any) -> None:
    from mlops_kit.frameworks.tensorflow.saved_model import WANTED, inputs

    for column in contract.features:
        given = inputs(contract, contract.sample(3))
        wrong = "never" if column.type in ("categorical", "date", "text") else float("inf")
        if column.type in ("categorical", "text"):
            continue  # any string will do
        given[column.name] = [*given[column.name][:2], wrong]
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"must be {WANTED[column.type]}"):
            runner.run(given)


@pytest.mark.parametrize("day", ["2026-02-31", "2026-04-31", "2026-13-01", "2025-02-29", "1900-02-29"])
def test_a_day_that_no_calendar_has_is_refused(day: str, tf: Any) -> None:
    from mlops_kit.frameworks.tensorflow.saved_model import checks

    column = Column("sold", "date")
    list(checks(column, tf.constant(["2024-02-29", "2000-02-29", "2026-01-31T12:30:00", "2026-04-30"])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a date"):
        list(checks(column, tf.constant([day])))


@EVERY
def test_a_missing_value_needs_the_contracts_leave(runner: Runner, contract: Contract, tf: Any) -> None:
    from mlops_kit.frameworks.tensorflow.saved_model import inputs

    for column in contract.features:
        given = inputs(contract, contract.sample(2))
        given[column.name] = [given[column.name][0], "" if isinstance(given[column.name][0], str) else float("nan")]
        if column.nulls:
            assert len(runner.run(given)["prediction"]) == 2
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be"):
                runner.run(given)


# --- what TensorFlow Serving is given ---------------------------------------------------------------------------------


@pytest.fixture
def folder(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where it is laid out, in a copy of the project."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")) as here:
        yield here.root / "build/serving"


def laid_out(folder: Path) -> list[str]:
    """The versions in the folder, which are those of models.config."""
    found = sorted(path.parent.name for path in folder.glob("models/*/saved_model.pb"))
    config = (folder / "models.config").read_text(encoding="utf-8")
    assert [line.split()[1] for line in config.splitlines() if "versions:" in line] == found
    return found


@ONE
def test_without_its_server_the_champion_at_hand_is_served_and_that_is_said(
    contract: Contract, saved: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    shutil.copytree(saved, tmp_path / "model")
    champion = Champion(4, models.folder_md5(saved), "", "", "", {})
    models.write_champion(champion)
    follower = Follower(contract)
    told = follower.look()
    assert "served: version 4 as champion" in told
    assert f"The MLflow server at {NOBODY} does not answer" in told
    assert laid_out(folder) == ["4"]
    models.write_champion(Champion(4, champion.model, "", "", "", {}, retired="unfair"))
    assert "is retired: unfair" in follower.look()
    assert laid_out(folder) == []


class HalfAnAnswer(Quiet):
    """A server that begins an answer and then says nothing more."""

    def do_GET(self) -> None:
        """Half of what it announces."""
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b'{"model_version": ')
        time.sleep(2)


@ONE
def test_a_server_that_stalls_in_the_middle_of_an_answer_is_one_that_is_away(
    contract: Contract, saved: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_server, "PATIENCE", 0.3)
    shutil.copytree(saved, tmp_path / "model")
    models.write_champion(Champion(4, models.folder_md5(saved), "", "", "", {}))
    with listening(HalfAnAnswer) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        told = Follower(contract).look()
    assert "served: version 4 as champion" in told
    assert "stops in the middle of an answer" in told
    assert laid_out(folder) == ["4"]


@ONE
def test_a_failure_that_nobody_thought_of_stops_nothing(
    contract: Contract, saved: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(contract)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    follower.look()
    monkeypatch.setattr(tensorflow_serving, "write", Mock(side_effect=OSError("No space left on device")))
    told = follower.look()
    assert "No space left on device" in told
    assert told.endswith("What is served stays.")
    assert laid_out(folder) == ["1"]


@ONE
def test_the_server_does_not_outlive_who_looks_after_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELOAD_SECONDS", "0.1")
    monkeypatch.setattr(Follower, "look", Mock(side_effect=["served", MemoryError]))
    monkeypatch.setattr(tensorflow_serving, "server_command", lambda: ["sleep", "60"])
    server = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: server)
    monkeypatch.setattr(signal, "signal", Mock())
    with pytest.raises(MemoryError):
        tensorflow_serving.serve()
    assert server.wait(10) == -signal.SIGTERM


@ONE
def test_what_is_served_stays_whatever_goes_wrong(
    contract: Contract, saved: Path, of_other_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(contract)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    assert follower.look() == "served: version 1 as champion"
    monkeypatch.setenv("MODEL_DIR", str(of_other_data))
    assert "does not fit contract.yaml" in follower.look()
    monkeypatch.delenv("MODEL_DIR")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    assert follower.look().endswith("What is served stays.")
    assert laid_out(folder) == ["1"]


@ONE
@pytest.mark.parametrize("reproduced", [False, True])
def test_a_named_folder_is_retired_with_the_champion_that_it_is(
    reproduced: bool, contract: Contract, saved: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    md5 = "original.dir" if reproduced else models.folder_md5(saved)
    if reproduced:
        monkeypatch.setenv("CHAMPION_MD5", md5)
    follower = Follower(contract)
    assert follower.look() == "served: version 1 as champion"
    models.write_champion(Champion(1, md5, "", "", "", {}, retired="unfair"))
    assert "is retired: unfair" in follower.look()
    assert laid_out(folder) == []


@ONE
def test_where_nothing_can_be_served_it_says_why(
    contract: Contract, of_other_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing is served: There is no champion yet" in Follower(contract).look()
    monkeypatch.setenv("MODEL_DIR", str(of_other_data))
    assert f"the column {contract.features[0].name!r}" in Follower(contract).look()
    monkeypatch.delenv("MODEL_DIR")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    told = Follower(contract).look()
    assert "does not answer" in told
    assert "There is no champion yet" in told
    assert laid_out(folder) == []


# --- it keeps the contract of serving --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services(kept: Callable[[Project], Path]) -> Iterator[Callable[[Project], Service]]:
    """Gives a project's service with its model behind it, started once."""
    running: dict[Project, Service] = {}
    with ExitStack() as stack:

        def start(project: Project) -> Service:
            if project not in running:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("PYTHONPATH", str(project.root / "src"))
                    log = project.root / "server.log"
                    running[project] = stack.enter_context(started(kept(project), log))
            return running[project]

        yield start


@EVERY
class TestTensorFlowServing(ServiceContract):
    """The server that `poe serve` starts."""

    @pytest.fixture
    def service(self, project: Project, services: Callable[[Project], Service]) -> Service:
        """The service of the kind."""
        return services(project)


@ONE
@pytest.mark.usefixtures("installed")
def test_without_a_champion_it_is_not_ready_and_its_log_says_why(tmp_path: Path) -> None:
    nothing, log = tmp_path / "nothing", tmp_path / "log"
    with using(make("deep_prices", tmp_path / "here")), started(nothing, log, says="holds no model") as service:
        assert service.send(interface().ready, None).status == interface().unready


# --- the tests that a project brings ---------------------------------------------------------------------------------


@pytest.mark.soak  # tests/serving/test_tensorflow_serving.py runs them in a rendered project
def test_a_projects_own_tests_are_green(
    made: Callable[[str], Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = copied(made("deep_grades"), tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(here.root / "src"))
    found = run_all({"deep_grades": here})["deep_grades"]
    assert {test: told for test, told in found.items() if told not in ("passed", "skipped")} == {}
    assert len(found) == 14
