"""The stages prepare, train and evaluate, as a project has them: what they write, and that the same comes out again."""

import importlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.data import TEST, TRAIN, write_parts
from mlops_kit.ground import Project, compiling, params, project, using
from mlops_kit.registry import RegistryError, check_gates, gate, read_report, trained_md5
from mlops_kit.registry.gates import checking_gates
from mlops_kit.training import MetricError, measure, stage
from mlops_kit.workspace.setup import smoke_test

from tests.conftest import wait_until
from tests.kit import hashes
from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

STAGES = ("prepare", "train", "evaluate")
EVERY = kinds("grades", "prices", "truths", "quoted", "light_grades", "light_prices")
FILES = {"contract.yaml", "data", "metrics.json", "model", "params.yaml", "plots", "pyproject.toml", "src"}


def run_stages(names: tuple[str, ...] = STAGES) -> None:
    """Run stages of the project that is worked for, in this process: with MLflow loaded, they record here, too."""
    importlib.import_module("mlflow")
    for name in names:
        getattr(project().module(name), name)()


@pytest.fixture(scope="module")
def runs_of_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One database for the runs of all projects here: to make one takes seconds."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlops_kit.models.runs.home", lambda: folder)
        yield folder


@pytest.fixture(scope="module")
def run_of(
    made: Callable[[str], Project], runs_of_mlflow: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Project], Project]:
    """Gives a copy of a project whose stages have run, once."""

    def run(project: Project) -> Project:
        names = ("contract.yaml", "data", "params.yaml", "pyproject.toml", "src")
        with using(copied(project, tmp_path_factory.mktemp("ran") / project.name, *names)) as here:
            run_stages()
        return here

    return cache(run)


@pytest.fixture
def ran(project: Project, run_of: Callable[[Project], Project]) -> Iterator[Project]:
    """The project, after its pipeline has run."""
    with using(run_of(project)) as here:
        yield here


@EVERY
def test_the_stages_write_what_dvc_yaml_says_and_nothing_else(ran: Project) -> None:
    assert {path.name for path in ran.root.iterdir()} == FILES
    assert {path.name for path in (ran.root / TRAIN).parent.iterdir()} == {TRAIN.name, TEST.name}
    assert not list(ran.root.glob("model/**/__pycache__"))


@EVERY
def test_the_report_has_metrics_baseline_slices_and_a_hash(ran: Project, contract: Contract) -> None:
    report, settings = read_report(), params()["evaluate"]
    assert list(report) == ["rows", "metrics", "baseline", "slices", "prediction_sha256"]
    assert list(report["metrics"]) == list(report["baseline"]) == [settings["primary"], *settings["metrics"]]
    assert report["metrics"][settings["primary"]] > report["baseline"][settings["primary"]]
    test = pd.read_parquet(ran.root / TEST)
    assert report["rows"] == len(test)
    predicted = pd.read_csv(ran.root / "plots/predictions.csv")
    assert list(predicted) == ["actual", "predicted"]
    assert len(predicted) == len(test)
    model = models.trained_model()
    assert models.prediction_hash(model, contract.coerce(test)) == report["prediction_sha256"]
    assert gate() == "the model passes the gates"


@EVERY
def test_the_run_in_mlflow_has_parameters_metrics_and_where_it_is_from(ran: Project) -> None:
    run = models.client().get_run((ran.root / "model/run_id").read_text(encoding="utf-8").strip())
    assert run.data.params == {name: str(value) for name, value in params()["model"].items()}
    assert run.data.metrics == pytest.approx(read_report()["metrics"])
    assert run.data.tags["data_md5"] == models.data_md5()
    assert run.info.status == "FINISHED"


@kinds("grades", "prices", "light_grades", "light_prices")
def test_the_project_predicts_what_was_recorded(request: pytest.FixtureRequest, ran: Project) -> None:
    hashes.check(request.node.callspec.params["project"], ran, read_report()["prediction_sha256"])


@kinds("grades")
def test_a_model_below_a_gate_is_refused_with_both_numbers(
    ran: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = read_report()
    with pytest.raises(RegistryError, match=r"is \+0\.0000 against the baseline, the gate asks for \+0\.\d+ \(gates\."):
        check_gates({**report, "metrics": report["baseline"]})
    here = copied(ran, tmp_path, "contract.yaml", "model", "params.yaml", "pyproject.toml", "src")
    settings = params()
    write(tmp_path / "params.yaml", yaml.safe_dump({**settings, "gates": {**settings["gates"], "latency_ms": 0}}))
    with using(here):
        with pytest.raises(RegistryError, match=r"one row takes \d+ ms, the gate allows 0 ms \(gates\.latency_ms"):
            check_gates(report)
        (tmp_path / "model/MLmodel").unlink()
        monkeypatch.delitem(sys.modules, "mlflow")  # then another process looks at the model
        refused = pytest.raises(RegistryError, match=r"^\S*model holds a model without a signature\.$")
        with refused, checking_gates(report):
            pass
        with pytest.raises(RegistryError, match=r"^There is no metrics\.json\. Run: uv run poe repro$"):
            read_report()
        with pytest.raises(RegistryError, match="model/ is not what the pipeline made"):
            trained_md5()


def test_rows_without_a_target_are_left_out(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "data", "params.yaml", "src")) as here:
        raw = here.root / "data/raw/rows.csv"
        write(raw, raw.read_text(encoding="utf-8") + "0.5,0.5,\n")
        here.module("prepare").prepare.__wrapped__.__wrapped__()
        assert "1 rows without a target are left out" in capsys.readouterr().out
        assert sum(len(pd.read_parquet(here.root / path)) for path in (TRAIN, TEST)) == 200


def test_a_row_that_breaks_the_contract_ends_the_pipeline_with_its_column(
    project: Project, tmp_path: Path, runs_of_mlflow: Path
) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "data", "params.yaml", "src")) as here:
        raw = here.root / "data/raw/rows.csv"
        write(raw, raw.read_text(encoding="utf-8") + "1e9,0.5,in\n")
        with pytest.raises(SystemExit, match=r"rows\.csv breaks the contract:\n.*'x': 1 values above") as ended:
            run_stages(("prepare",))
        assert str(ended.value).endswith("Fix the data, or edit contract.yaml.")


def test_a_stage_that_comes_too_early_says_what_to_run(project: Project, tmp_path: Path, runs_of_mlflow: Path) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")):
        for name in ("train", "evaluate"):
            with pytest.raises(SystemExit, match=r"is missing\. Run all stages: uv run poe repro|holds no model"):
                run_stages((name,))


def test_without_its_data_a_project_trains_on_generated_rows(
    project: Project, tmp_path: Path, runs_of_mlflow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")):
        run_stages()
        assert "generated rows (the data is not here)" in capsys.readouterr().out
        assert gate() == "the data is not here: the gates are not checked on generated rows"


@kinds("grades", "prices", "light_grades")
def test_the_smoke_test_of_a_clone_trains_and_asks(project: Project) -> None:
    assert "answers" in smoke_test()


@pytest.mark.parametrize("fresh", [True, False])
def test_a_fresh_environment_is_compiled_while_other_things_are_done(
    fresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "loads.py", "from pathlib import Path\nPath('loaded').touch()\n")
    write(tmp_path / "last.pyc", "")
    cached = str(tmp_path / ("none.pyc" if fresh else "last.pyc"))
    monkeypatch.setattr(compiling, "find_spec", lambda _: SimpleNamespace(cached=cached))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    with using(Project(tmp_path, "churn", "churn")), compiling.compiling("loads"):
        wait_until(lambda: not fresh or (tmp_path / "loaded").exists())
    assert (tmp_path / "loaded").exists() == fresh


@kinds("plain", "prices")
def test_no_stage_depends_on_the_library_and_each_on_the_pipelines_number(project: Project) -> None:
    stages: dict[str, Any] = yaml.safe_load((project.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert tuple(stages) == STAGES
    for each in stages.values():
        assert {"pyproject.toml": ["tool.mlops.pipeline"]} in each["params"]
        assert not [path for path in each["deps"] if path.startswith("kit")]


def test_a_metric_of_ones_own_is_measured(project: Project, tmp_path: Path, runs_of_mlflow: Path) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "data", "params.yaml", "src")) as here:
        model = here.root / "src/plain/model.py"
        write(model, model.read_text(encoding="utf-8") + "\n\nSCORERS = {'mine': lambda model, rows, labels: 0.25}\n")
        settings = here.root / "params.yaml"
        write(settings, settings.read_text(encoding="utf-8").replace("metrics: [", "metrics: [mine, "))
        run_stages()
        assert json.loads((here.root / "metrics.json").read_text(encoding="utf-8"))["metrics"]["mine"] == 0.25
        assert load().target == "side"


BROKEN = """

class Broken:
    classes_ = ["in", "out"]

    def fit(self, rows, labels):
        FIT

    def predict(self, rows):
        return ["in"] * PREDICTED

    def predict_proba(self, rows):
        return [[0.5, 0.5]] * PREDICTED


def build(contract, parameters):
    BUILD
"""
FIT, PREDICTED, BUILD = {"FIT": "return self"}, {"PREDICTED": "len(rows)"}, {"BUILD": "return Broken()"}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"BUILD": "raise ValueError('no such depth')"}, r"model\.py, line \d+: ValueError: no such depth\."),
        ({"BUILD": "pass"}, r"`build` in model\.py returned NoneType, which has no fit and no predict\."),
        ({"FIT": "raise ValueError('no rows')"}, r"model\.py, line \d+: ValueError: no rows\."),
        ({"PREDICTED": "7"}, r"The model gives 7 predictions for 3 rows\."),
    ],
)
def test_a_model_that_does_not_work_is_one_sentence(
    broken: dict[str, str],
    says: str,
    project: Project,
    parts: Any,
    contract: Contract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")) as here:
        write_parts(*parts)
        code, file = BROKEN, here.root / "src/plain/model.py"
        for name, part in {**FIT, **PREDICTED, **BUILD, **broken}.items():
            code = code.replace(name, part)
        write(file, file.read_text(encoding="utf-8") + code)
        if "PREDICTED" in broken:
            with pytest.raises(MetricError, match=says):
                measure(here.model.build(contract, {}), contract, *parts)
            return
        with pytest.raises(SystemExit, match=says) as told:
            run_stages(("train",))
        assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("evaluate", [{}, {"metrics": ["accuracy"]}])
def test_no_primary_metric_is_one_sentence(evaluate: dict[str, Any], project: Project, tmp_path: Path) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")) as here:
        settings = yaml.safe_load((here.root / "params.yaml").read_text(encoding="utf-8"))
        write(here.root / "params.yaml", yaml.safe_dump({**settings, "evaluate": evaluate}))
        with pytest.raises(SystemExit, match="names no primary metric"):
            run_stages(("prepare",))


def test_a_server_that_is_away_is_named_before_the_work(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    @stage
    def train() -> None:
        raise AssertionError("it has begun")

    with using(project), pytest.raises(SystemExit, match=r"The MLflow server at http://127\.0\.0\.1:9 does not answer"):
        train()


def loads_mlflow(here: Project, stage: str) -> bool:
    """Run a stage in a process of its own, as DVC does; whether that loads MLflow."""
    code = f"import sys, {here.package}.{stage} as stage; stage.{stage}(); print('mlflow' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": "src"}
    done = subprocess.run([sys.executable, "-c", code], cwd=here.root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] == "True"


def test_preparing_does_not_load_mlflow(project: Project, tmp_path: Path) -> None:
    """It takes seconds, which a stage that logs nothing need not wait for."""
    here = copied(project, tmp_path, "contract.yaml", "data", "params.yaml", "pyproject.toml", "src")
    assert not loads_mlflow(here, "prepare")


@pytest.mark.long
@kinds("grades")
def test_evaluating_records_its_metrics_by_another_process(
    project: Project, run_of: Callable[[Project], Project], runs_of_mlflow: Path, tmp_path: Path
) -> None:
    """MLflow loads there while the model is measured here."""
    here = copied(run_of(project), tmp_path, *sorted(FILES - {"metrics.json", "plots"}))
    shutil.copy(runs_of_mlflow / "mlflow.db", here.root)
    with closing(sqlite3.connect(here.root / "mlflow.db")) as database, database:
        database.execute("DELETE FROM latest_metrics")
    assert not loads_mlflow(here, "evaluate")
    run = (here.root / "model/run_id").read_text(encoding="utf-8").strip()
    with closing(sqlite3.connect(here.root / "mlflow.db")) as database:
        recorded = dict(database.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ?", [run]))
    metrics = json.loads((here.root / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    assert recorded == pytest.approx(metrics)


@pytest.mark.long
@kinds("plain")
def test_the_first_training_makes_the_registry_while_the_model_is_fitted(project: Project, tmp_path: Path) -> None:
    here = copied(project, tmp_path, "contract.yaml", "data", "params.yaml", "pyproject.toml", "src")
    loads_mlflow(here, "prepare")
    assert not (here.root / "mlflow.db").exists()
    loads_mlflow(here, "train")
    with closing(sqlite3.connect(here.root / "mlflow.db")) as database:
        ((run, parameters),) = database.execute("SELECT run_uuid, count(*) FROM params GROUP BY run_uuid")
    assert run == (here.root / "model/run_id").read_text(encoding="utf-8").strip()
    assert parameters > 1


@kinds("plain")
def test_a_stage_that_fails_leaves_no_registry_half_made(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    here = copied(project, tmp_path / "here", "contract.yaml", "params.yaml", "pyproject.toml")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with using(here), models.recorder():  # it ends before it has anything to record
        wait_until(lambda: bool(list(temporary.glob("mlflow-*/mlflow.db"))))
    assert not list(here.root.glob("mlflow.db-*"))
    assert not list(temporary.glob("mlflow-*"))


@kinds("grades")
def test_what_keeps_a_run_from_being_recorded_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with using(project), pytest.raises(models.ServerError, match="could not be recorded"), models.recorder():
        models.record("run", {"accuracy": 1.0})
    with using(project), pytest.raises(models.ServerError, match="could not be recorded"), models.recorder():
        models.record_training({"trees": 1}, 10)
