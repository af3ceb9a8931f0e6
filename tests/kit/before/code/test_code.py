"""The code does what it says."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy import event
from sqlalchemy.engine import Engine

from {{ package_name }} import predict, registry, tracking, workspace
from {{ package_name }}.contract import Contract, ContractError, load
from {{ package_name }}.data import as_written
from {{ package_name }}.predict import predictions
from {{ package_name }}.tracking import Champion, folder_md5, prediction_hash
from {{ package_name }}.workspace import WorkspaceError, run_to_its_end

LIVES = ((3, "challenger"), (2, "champion"))
WRITES = ("set_model_version_tag", "set_registered_model_alias", "delete_registered_model_alias")


def test_the_contract_survives_being_written_and_read(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(contract.dump(), encoding="utf-8")
    assert load(path) == contract


def test_a_contract_that_makes_no_sense_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("columns: [", encoding="utf-8")
    with pytest.raises(ContractError, match=r"contract\.yaml cannot be understood"):
        load(path)


def test_a_missing_column_is_named(contract: Contract) -> None:
    name = contract.features[0].name
    with pytest.raises(ContractError, match="Missing columns"):
        contract.coerce(contract.sample(3).drop(columns=name))


def test_rows_from_a_file_become_the_same_as_typed_rows(contract: Contract, tmp_path: Path) -> None:
    rows = contract.sample(50)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    features = [column.name for column in contract.features if column.type in ("numeric", "boolean")]
    read = contract.coerce(pd.read_csv(tmp_path / "rows.csv", dtype={name: "str" for name in contract.of_type("text")}))
    pd.testing.assert_frame_equal(read[features], contract.coerce(rows)[features])


def test_the_contract_names_the_data_in_the_same_way_on_windows(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows.csv"
    as_written(contract, contract.sample(200)).to_csv(file, index=False)
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    monkeypatch.setattr(workspace, "RAW", PureWindowsPath("data/raw"))
    monkeypatch.setattr(workspace, "replace_raw", lambda _: None)
    monkeypatch.setattr(workspace, "version_raw", lambda _: None)
    workspace.bring_in(file, contract.target, contract.problem, in_git=False, commit=False)
    assert load(tmp_path / "contract.yaml").source.path == "data/raw/rows.csv"


def test_predictions_are_written_as_the_data_is(
    contract: Contract, model: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = dict(separator=";", decimal=",", thousands="", encoding="utf-8")
    ours = replace(contract, source=replace(contract.source, **style))
    monkeypatch.setattr(predict, "load", lambda: ours)
    monkeypatch.setattr(tracking, "champion_folder", lambda: tmp_path)
    monkeypatch.setattr(tracking, "load_model", lambda _: model)
    rows, answers = tmp_path / "rows.csv", tmp_path / "answers.csv"
    as_written(ours, ours.sample(20)).to_csv(rows, index=False, **ours.source.style)
    assert len(ours.read(rows)) == predict.predict(rows, answers) == 20
    asked, answered = (path.read_text(encoding="utf-8").splitlines() for path in (rows, answers))
    assert all(answer.startswith(f"{row};") for row, answer in zip(asked[1:], answered[1:], strict=True))
    assert "," in answered[-1].removeprefix(asked[-1])


def test_predictions_keep_the_order_of_the_rows(contract: Contract, model: object) -> None:
    rows = contract.sample(20).sample(frac=1, random_state=1)
    found = predictions(model, contract, rows)
    assert list(found.index) == list(rows.index)
    assert found["prediction"].notna().all()


def test_hashes_change_with_the_content(contract: Contract, model: object, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    before = folder_md5(tmp_path)
    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert folder_md5(tmp_path) != before
    first, second = contract.coerce(contract.sample(20, seed=1)), contract.coerce(contract.sample(20, seed=2))
    assert prediction_hash(model, first) != prediction_hash(model, second)


# --- a model's life, and a run that is stopped -----------------------------------------------------------------------


def folder_of(folder: Path, target: str, *columns: str) -> Path:
    """A champion's folder, as far as it says what it was trained for."""
    inputs = json.dumps([dict(type="double", name=name) for name in columns])
    described = dict(signature=dict(inputs=inputs), metadata=dict(target=target))
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def test_a_champion_of_other_data_is_not_compared_and_it_is_said_what_to_do(contract: Contract, tmp_path: Path) -> None:
    known, incumbent = contract.features[0].name, Champion(4, "", "", "", "", {})

    def check(target: str, *columns: str, classes: list[object]) -> None:
        model = SimpleNamespace(classes_=classes)
        registry.check_same_question(folder_of(tmp_path, target, *columns), model, contract, incumbent)

    check(contract.target, known, classes=contract.classes)
    with pytest.raises(registry.RegistryError, match=r"needs the column 'unheard of'.*poe retire 4 "):
        check(contract.target, known, "unheard of", classes=contract.classes)
    with pytest.raises(registry.RegistryError, match="predicts 'unheard of'"):
        check("unheard of", known, classes=["unheard of"])
    if contract.classes:
        with pytest.raises(registry.RegistryError, match="knows other classes"):
            check(contract.target, known, classes=[*contract.classes, "unheard of"])


{% if framework != 'tensorflow' %}
def test_a_model_of_types_that_are_not_trusted_is_a_sentence(
    contract: Contract, model: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = dict(pip_requirements=["scikit-learn"])  # or MLflow looks for them, which takes long
    tracking.save_model(model, contract, tmp_path / "model", **needs)
    monkeypatch.setattr(tracking, "trusted_types", list)
    for act in (
        lambda: tracking.save_model(model, contract, tmp_path / "again", **needs),
        lambda: tracking.load_model(tmp_path / "model"),
    ):
        with pytest.raises(tracking.ChampionError, match=r"Untrusted types found .*TRUSTED_TYPES of model.py"):
            act()


{% endif %}
def test_a_challenger_that_is_not_in_the_model_folder_is_told_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "trained_md5", lambda: "this")
    challenger = SimpleNamespace(version=3, tags={"model_md5": "another"})
    with pytest.raises(registry.RegistryError, match=r"holds the champion.*version 3"):
        registry.compare(challenger, Champion(2, "this", "", "", "", {}))
    with pytest.raises(registry.RegistryError, match="Register that first"):
        registry.compare(challenger, Champion(2, "a third", "", "", "", {}))


def test_it_is_said_where_champion_yaml_and_the_registry_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    now = datetime.now(UTC)
    every = [registry.Registered(number, life, {}, "", "", now, model=f"model-{number}") for number, life in LIVES]
    assert registry.disagreement(every, Champion(2, "model-2", "", "", "", {})) == []
    _, told = registry.disagreement(every, Champion(1, "model-1", "", "", "", {}))
    assert told.startswith("champion.yaml names version 1 (model model-1), in the registry version 2 is champion.")
    assert "champion.yaml names no model" in registry.disagreement(every, None)[1]
    assert registry.disagreement(every[:1], Champion(2, "model-2", "", "", "", {}, retired="unfair")) == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "Served is the registry's" in registry.disagreement(every, None)[1]


def test_a_slice_that_falls_is_named_with_its_rows() -> None:
    old = {name: dict(rows=40, r2=0.5) for name in ("a=1", "a=2", "a=3")}
    new = {"a=1": dict(rows=40, r2=-9.0), "a=2": dict(rows=40, r2=0.6)}
    assert registry.fallen(new, old, "r2") == ["a=1 (-9.0000, was 0.5000, on 40 rows)"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that a child could send to its parent")
def test_a_run_that_is_stopped_says_how_to_go_on() -> None:
    stopped = "import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(130)"
    with pytest.raises(WorkspaceError, match=r"^Stopped\..*go on: uv run poe repro$"):
        run_to_its_end(sys.executable, "-c", stopped)
    assert run_to_its_end(sys.executable, "-c", "raise SystemExit(3)") == 3


# --- a life goes on where it stopped, and a server that is away is one sentence --------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a registry of its own, which does not wait for the disk."""
    folder = tmp_path_factory.mktemp("registry")

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", hurry)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(tracking, "home", lambda: folder)
        tracking.initialise()
    yield folder
    event.remove(Engine, "connect", hurry)


@pytest.fixture
def client(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A model without versions in it, where every challenger is better than the champion."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "home", lambda: database)
    monkeypatch.setattr(tracking, "NAME", tmp_path.name)
    monkeypatch.setattr(tracking, "CHAMPION_FILE", tmp_path / "champion.yaml")
    monkeypatch.setattr(registry, "compare", lambda *_: "better")
    made = tracking.client()
    made.create_registered_model(tmp_path.name)
    return made


def challenge(client: MlflowClient) -> str:
    """A new version, the challenger. Gives back its number."""
    number = str(len(client.search_model_versions(f"name='{tracking.NAME}'")) + 1)
    tags = dict(model_md5=f"model-{number}", data_md5="", git_commit="", prediction_sha256="", metrics="{}")
    client.create_model_version(tracking.NAME, source=Path.cwd().as_uri(), tags=tags)
    client.set_registered_model_alias(tracking.NAME, "challenger", number)
    return number


@contextmanager
def stopping_at(step: int) -> Iterator[None]:
    """One of the writes of what is done meanwhile fails, the first is 0."""
    written = count()

    def stepped(write: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **options: Any) -> Any:
            if next(written) == step:
                raise MlflowException("stopped")
            return write(*arguments, **options)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, stepped(getattr(MlflowClient, name)))
        patch.setattr(tracking, "write_champion", stepped(tracking.write_champion))
        yield


def champions(client: MlflowClient) -> tuple[int, int]:
    """The champion of the registry, and of champion.yaml."""
    named = tracking.read_champion()
    assert named is not None
    return int(client.get_model_version_by_alias(tracking.NAME, "champion").version), named.version


def history() -> list[str]:
    """All moves, the oldest first."""
    return [f"{move.version} {move.what}" for move in registry.moves()]


@pytest.mark.parametrize("step", range(6))
def test_a_promotion_that_stopped_is_finished_by_promoting_again(client: MlflowClient, step: int) -> None:
    challenge(client)
    registry.promote()
    challenge(client)
    with stopping_at(step), pytest.raises(MlflowException, match="stopped"):
        registry.promote("more rows")
    assert "version 2 is champion" in registry.promote("more rows")
    assert champions(client) == (2, 2)
    assert registry.by_alias(client, "challenger") is None
    assert history() == ["1 promote", "1 replaced", "2 promote"]
    assert registry.moves()[-1].why.startswith("more rows; ")
    assert "version 1 is champion again" in registry.rollback()


@pytest.mark.parametrize("step", range(4))
def test_a_rollback_that_stopped_goes_back_one_version_and_no_further(client: MlflowClient, step: int) -> None:
    for _ in range(3):
        challenge(client)
        registry.promote()
    with stopping_at(step), pytest.raises(MlflowException, match="stopped"):
        registry.rollback()
    assert "version 2 is champion again" in registry.rollback()
    assert champions(client) == (2, 2)
    assert history()[-2:] == ["3 replaced", "2 rollback"]
    assert history().count("3 replaced") == 1


@pytest.mark.parametrize("step", range(4))
def test_a_retirement_that_stopped_is_finished_by_retiring_again(client: MlflowClient, step: int) -> None:
    challenge(client)
    registry.promote()
    with stopping_at(step), pytest.raises(MlflowException, match="stopped"):
        registry.retire("1", "unfair", even_champion=True)
    registry.retire("1", "unfair", even_champion=True)
    named = tracking.read_champion()
    assert named is not None
    assert named.retired == "unfair"
    assert registry.by_alias(client, "champion") is None
    assert history() == ["1 promote", "1 retire"]


def test_a_registration_that_stopped_is_recorded_by_registering_again(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = challenge(client)
    monkeypatch.setattr(registry, "read_report", dict)
    monkeypatch.setattr(registry, "check_gates", lambda _: None)
    monkeypatch.setattr(registry, "trained_md5", lambda: f"model-{number}")
    for _ in range(2):
        assert "already registered as version 1, the challenger" in registry.register()
        assert history() == ["1 register"]


def said(monkeypatch: pytest.MonkeyPatch, *command: str) -> str:
    """What a command ends with."""
    monkeypatch.setattr(sys, "argv", ["registry", *command])
    with pytest.raises(SystemExit) as ended:
        registry.main()
    return str(ended.value)


def test_what_is_not_there_is_told_from_a_server_that_is_away(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("7", "seven"):
        assert said(monkeypatch, "retire", version, "--reason", "unfair").startswith(f"There is no version {version}.")
    assert said(monkeypatch, "promote") == "There is no challenger. Run: uv run poe register"
    login = "me:secret"  # apart, since scanners for secrets look for addresses with one
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{login}@127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for command in (["promote"], ["rollback"], ["status"], ["retire", "1", "--reason", "unfair"]):
        told = said(monkeypatch, *command)
        assert told.startswith("The MLflow server at http://127.0.0.1:9 does not answer: ")
        assert "MLFLOW_TRACKING_URI" in told
        assert "\n" not in told
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://127.0.0.1:9/mlflow")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "driver, the module psycopg, is not installed" in said(monkeypatch, "status")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://127.0.0.1:port/mlflow")
    assert said(monkeypatch, "status").startswith("The MLflow server at postgresql://127.0.0.1:port/mlflow answers")


@pytest.mark.parametrize(
    ("call", "command"),
    [
        ("get_model_version_by_alias", ["promote"]),
        ("get_model_version", ["retire", "1", "--reason", "unfair"]),
        ("search_model_versions", ["status"]),
    ],
)
def test_a_server_that_stops_answering_is_no_server_without_models(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, call: str, command: list[str]
) -> None:
    def broken(*_: Any) -> None:
        raise MlflowException("out of order")

    challenge(client)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    monkeypatch.setattr(MlflowClient, call, broken)
    assert "answers with an error: out of order. Look whether MLFLOW_TRACKING_URI" in said(monkeypatch, *command)
