"""A model's life goes on where it stopped, and what is refused or cannot be had is one sentence."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlops_kit import models, registry
from mlops_kit.contract import Contract
from mlops_kit.ground import Project, project, using
from mlops_kit.models import Champion
from mlops_kit.models import __main__ as database_command
from mlops_kit.registry import __main__ as commands
from mlops_kit.registry import promotion, registering
from mlops_kit.registry.status import disagreement
from mlops_kit.registry.versions import by_alias
from sklearn.base import BaseEstimator, ClassifierMixin
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.kit.kinds import kinds
from tests.kit.projects import copied

LIVES = ((3, "challenger"), (2, "champion"))
WRITES = ("set_model_version_tag", "set_registered_model_alias", "delete_registered_model_alias")
NOBODY = "http://127.0.0.1:9"  # nobody listens there


# --- what is compared ------------------------------------------------------------------------------------------------


def folder_of(folder: Path, target: str, *columns: str) -> Path:
    """A champion's folder, as far as it says what it was trained for."""
    inputs = json.dumps([dict(type="double", name=name) for name in columns])
    described = dict(signature=dict(inputs=inputs), metadata=dict(target=target))
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


@kinds("grades", "prices", "truths")
def test_a_champion_of_other_data_is_not_compared_and_it_is_said_what_to_do(contract: Contract, tmp_path: Path) -> None:
    known, incumbent = contract.features[0].name, Champion(4, "", "", "", "", {})

    def check(target: str, *columns: str, classes: list[object]) -> None:
        model = SimpleNamespace(classes_=classes)
        promotion.check_same_question(folder_of(tmp_path, target, *columns), model, contract, incumbent)

    check(contract.target, known, classes=contract.classes)
    with pytest.raises(registry.RegistryError, match=r"needs the column 'unheard of'.*poe retire 4 "):
        check(contract.target, known, "unheard of", classes=contract.classes)
    with pytest.raises(registry.RegistryError, match="predicts 'unheard of'"):
        check("unheard of", known, classes=["unheard of"])
    if contract.classes:
        with pytest.raises(registry.RegistryError, match="knows other classes"):
            check(contract.target, known, classes=[*contract.classes, "unheard of"])


@pytest.mark.usefixtures("project")
def test_a_challenger_that_is_not_in_the_model_folder_is_told_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "trained_md5", lambda: "this")
    challenger: Any = SimpleNamespace(version=3, tags={"model_md5": "another"})
    with pytest.raises(registry.RegistryError, match=r"holds the champion.*version 3"):
        promotion.compare(challenger, Champion(2, "this", "", "", "", {}))
    with pytest.raises(registry.RegistryError, match="Register that first"):
        promotion.compare(challenger, Champion(2, "a third", "", "", "", {}))


@pytest.mark.usefixtures("project")
def test_it_is_said_where_champion_yaml_and_the_registry_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    every = [registry.Registered(number, life, {}, "", "", now, model=f"model_{number}") for number, life in LIVES]
    assert disagreement(every, Champion(2, "model_2", "", "", "", {})) == []
    _, told = disagreement(every, Champion(1, "model_1", "", "", "", {}))
    assert told.startswith("champion.yaml names version 1 (model model_1), in the registry version 2 is champion.")
    assert "champion.yaml names no model" in disagreement(every, None)[1]
    assert disagreement(every[:1], Champion(2, "model_2", "", "", "", {}, retired="unfair")) == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    assert "Served is the registry's" in disagreement(every, None)[1]


@kinds("grades")
def test_a_slice_that_falls_is_named_with_its_rows(contract: Contract, model: Any, parts: Any) -> None:
    class Wrong(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """As the model, but for red ones."""

        classes_ = model.classes_

        def predict_proba(self, rows: Any) -> Any:
            shares = model.predict_proba(rows)
            red = (rows["colour"] == "red").to_numpy()
            shares[red] = shares[red][:, ::-1]
            return shares

        def predict(self, rows: Any) -> Any:
            return self.classes_[self.predict_proba(rows).argmax(axis=1)]

        def __sklearn_is_fitted__(self) -> bool:
            return True

    train = parts[0]
    (told,) = list(promotion.fallen(Wrong(), model, contract, train))
    assert told.startswith("colour=red (0.")
    assert f"on {(train['colour'] == 'red').sum()} rows" in told
    assert list(promotion.fallen(model, Wrong(), contract, train)) == []


# --- moves that stop in the middle -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(made: Callable[[str], Project], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a registry of its own, which does not wait for the disk."""
    folder = tmp_path_factory.mktemp("registry")

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", hurry)
    with using(copied(made("plain"), folder, "params.yaml")):
        models.initialise()
    yield folder
    event.remove(Engine, "connect", hurry)


def test_a_registry_that_another_process_made_meanwhile_stays(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(*_: Any, **__: Any) -> None:
        (tmp_path / "mlflow.db").write_text("theirs")

    monkeypatch.setattr(MlflowClient, "create_experiment", create)
    with using(replace(project, root=tmp_path)):
        models.initialise()
    assert (tmp_path / "mlflow.db").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.fixture
def client(project: Project, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """A model without versions in a project of its own, where every challenger is better than the champion."""
    monkeypatch.setattr("mlops_kit.models.runs.home", lambda: database)
    monkeypatch.setattr(promotion, "compare", lambda *_: "better")
    monkeypatch.setattr(registering, "run_first", str)
    monkeypatch.setattr(promotion, "run_first", str)
    here = replace(copied(project, tmp_path, "contract.yaml", "params.yaml"), name=tmp_path.name)
    with using(here):
        made = models.client()
        made.create_registered_model(here.name)
        yield made


def challenge(client: MlflowClient) -> str:
    """A new version, the challenger. Gives back its number."""
    name = project().name
    number = str(len(client.search_model_versions(f"name='{name}'")) + 1)
    tags = dict(
        run="a run", model_md5=f"model_{number}", data_md5="", git_commit="", prediction_sha256="", metrics="{}"
    )
    client.create_model_version(name, source=Path.cwd().as_uri(), tags=tags)
    client.set_registered_model_alias(name, "challenger", number)
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
        patch.setattr(models, "write_champion", stepped(models.write_champion))
        yield


def champions(client: MlflowClient) -> tuple[int, int]:
    """The champion of the registry, and of champion.yaml."""
    named = models.read_champion()
    assert named is not None
    return int(client.get_model_version_by_alias(project().name, "champion").version), named.version


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
    assert by_alias(client, "challenger") is None
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
    named = models.read_champion()
    assert named is not None
    assert named.retired == "unfair"
    assert by_alias(client, "champion") is None
    assert history() == ["1 promote", "1 retire"]


def test_the_champion_of_another_clone_is_retired_and_no_version_of_this_registry(client: MlflowClient) -> None:
    challenge(client)
    for number in (1, 7):  # a number that this registry has, and one that it has not
        models.write_champion(Champion(number, "of another clone", "", "", "", {}))
        assert "not in this registry" in registry.retire(str(number), "other data", even_champion=True)
        named = models.read_champion()
        assert named is not None
        assert named.retired == "other data"
        assert history() == []
    assert "version 1 is champion" in registry.promote()


def test_a_registration_that_stopped_is_recorded_by_registering_again(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = challenge(client)
    monkeypatch.setattr(registering, "read_report", dict)
    monkeypatch.setattr(registering, "checking_gates", lambda _: nullcontext())
    monkeypatch.setattr(registering, "trained_md5", lambda: f"model_{number}")
    for _ in range(2):
        assert "already registered as version 1, the challenger" in registry.register()
        assert history() == ["1 register"]


def test_the_champion_before_a_retired_one_does_not_come_back(client: MlflowClient) -> None:
    with pytest.raises(registry.RegistryError, match="There is no champion before this one"):
        registry.rollback()
    for _ in range(2):
        challenge(client)
        registry.promote()
    with pytest.raises(registry.RegistryError, match=r"Version 2 is the champion\. Promote another one"):
        registry.retire("2", "unfair")
    registry.retire("1", "old")
    with pytest.raises(registry.RegistryError, match="Version 1 is retired: old"):
        registry.rollback()
    told = registry.status()
    assert [line.split()[:2] for line in told.splitlines()[1:3]] == [["2", "champion"], ["1", "retired"]]


# --- a server that is away -------------------------------------------------------------------------------------------


def said(monkeypatch: pytest.MonkeyPatch, *command: str) -> str:
    """What a command ends with."""
    monkeypatch.setattr(sys, "argv", ["registry", *command])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    return str(ended.value)


def test_what_is_not_there_is_told_from_a_server_that_is_away(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("7", "seven"):
        assert said(monkeypatch, "retire", version, "--reason", "unfair").startswith(f"There is no version {version}.")
    assert said(monkeypatch, "promote") == "There is no challenger. Run: uv run poe register"
    login = "me:secret"  # apart, since scanners for secrets look for addresses with one
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY.replace("//", f"//{login}@"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for command in (["promote"], ["rollback"], ["status"], ["retire", "1", "--reason", "unfair"]):
        told = said(monkeypatch, *command)
        assert told.startswith(f"The MLflow server at {NOBODY} does not answer: ")
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
    monkeypatch.setenv("MLFLOW_TRACKING_URI", models.tracking_uri())
    monkeypatch.setattr(MlflowClient, call, broken)
    assert "answers with an error: out of order. Look whether MLFLOW_TRACKING_URI" in said(monkeypatch, *command)


# --- models of a server ----------------------------------------------------------------------------------------------


def test_the_champion_of_a_server_is_had_once_and_only_as_it_was_registered(
    client: MlflowClient, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", models.tracking_uri())
    with pytest.raises(models.WithdrawnError, match=r"^MLflow's registry gives no champion: "):
        models.champion_folder()
    source = tmp_path / "kept by the server"
    shutil.copytree(saved, source)
    tags = dict(model_md5=models.folder_md5(source))
    client.create_model_version(project().name, source=source.as_uri(), tags=tags)
    client.set_registered_model_alias(project().name, "champion", "1")
    folder = models.champion_folder()
    assert (folder, models.folder_md5(folder)) == (project().root / ".champion/server-1", tags["model_md5"])
    shutil.rmtree(source)
    assert models.from_registry("champion") == ("1", folder), "it is not fetched twice"
    (folder / "run_id").write_text("another", encoding="utf-8")
    with pytest.raises(models.ChampionError, match="Version 1 in MLflow's registry is not what was registered"):
        models.champion_folder()
    assert not folder.exists()


@pytest.mark.usefixtures("client")
def test_poe_ui_shows_the_projects_own_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def run_openly(*command: str) -> int:
        started.extend(command)
        assert os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
        return 7

    monkeypatch.delenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", raising=False)
    monkeypatch.setattr(database_command, "run_openly", run_openly)
    monkeypatch.setattr(sys, "argv", ["models"])
    database_command.main()
    assert started == [], "without a word, it is only made"
    monkeypatch.setattr(sys, "argv", ["models", "ui", "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        database_command.main()
    assert ended.value.code == 7
    store = f"sqlite:///{(database / 'mlflow.db').as_posix()}"
    assert started == ["mlflow", "ui", "--backend-store-uri", store, "--host", "127.0.0.1", "--workers", "1"]


@pytest.mark.usefixtures("client")
def test_a_question_to_the_registry_leaves_mlflows_addresses_as_they_were() -> None:
    with pytest.raises(models.WithdrawnError, match="MLflow's registry gives no champion"):
        models.from_registry("champion")
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} & set(os.environ)


def test_what_promote_has_nothing_to_do_with_is_said(client: MlflowClient) -> None:
    challenge(client)
    registry.promote()
    assert registry.promote() == (
        "there is no challenger: nothing to do. A new model becomes one by: uv run poe register"
    )
    client.set_registered_model_alias(project().name, "challenger", "1")
    assert registry.promote().endswith("it is the champion already, and its promotion is finished now")
    client.set_model_version_tag(project().name, challenge(client), "model_md5", "model_1")
    assert registry.promote() == "version 2 is champion: it is the champion already"
