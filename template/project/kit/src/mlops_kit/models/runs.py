"""Runs in MLflow: where its records are kept, and what is written there.

MLflow keeps its records in mlflow.db at the project's root, or on the server that MLFLOW_TRACKING_URI names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_kit.ground import main_root, project
from mlops_kit.ground.cloud_file import read_file
from mlops_kit.models.errors import ServerError
from mlops_kit.models.hashes import data_md5, git_commit
from mlops_kit.models.moved import ARTIFACTS, follow

if TYPE_CHECKING:
    from mlflow import MlflowClient

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # MLflow's words for no such model, no such alias
T = TypeVar("T")
DATABASES = ("postgresql", "mysql", "mssql")  # that MLflow can use without a server of its own
# How long a server is given for the first answer, where nothing else is set: MLflow itself tries for minutes.
PATIENCE = dict(MLFLOW_HTTP_REQUEST_MAX_RETRIES="2", MLFLOW_HTTP_REQUEST_TIMEOUT="10")


def home() -> Path:
    """The folder of mlflow.db: the project's root, also for a DVC experiment that runs in a copy under .dvc/tmp.

    All worktrees of a repository share the main one's.
    """
    root = project().root
    return main_root(next((folder.parent for folder in root.parents if folder.name == ".dvc"), root))


def database() -> Path:
    """The file of MLflow's records, where no server keeps them."""
    return home() / "mlflow.db"


def database_uri() -> str:
    """The same as MLflow names it."""
    return f"sqlite:///{database().as_posix()}"


def tracking_uri() -> str:
    """The server that MLFLOW_TRACKING_URI names, else the project's own file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or database_uri()


@contextmanager
def as_default() -> Iterator[None]:
    """Our address where MLflow looks by itself: its own one makes a folder `a%20b` beside a folder `a b`."""
    with environment(MLFLOW_TRACKING_URI=tracking_uri(), MLFLOW_REGISTRY_URI=tracking_uri()):
        yield


@contextmanager
def environment(**settings: str) -> Iterator[None]:
    """Variables as MLflow reads them, for a while."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def client() -> MlflowClient:
    """A client of the tracking server or file; the file is made where it is missing.

    Raises ServerError, within seconds, where the server does not answer.
    """
    from mlflow import MlflowClient

    initialise()
    ask_first(tracking_uri())
    # The registry is where the runs are: MLFLOW_REGISTRY_URI would take half of a model's life elsewhere.
    return MlflowClient(tracking_uri(), registry_uri=tracking_uri())


def reach_server() -> None:
    """Look whether the server answers, before long work: nothing is asked, and MLflow not loaded, where there is none.

    Raises ServerError, within seconds, where the server does not answer.
    """
    if os.environ.get("MLFLOW_TRACKING_URI"):
        client()


@cache
def ask_first(uri: str) -> None:
    """Ask a server for anything, with little patience; once it has answered, MLflow's own patience is the right one."""
    from mlflow import MlflowClient
    from mlflow.exceptions import RestException

    if uri.startswith(DATABASES):
        connect_once(uri)
    if not uri.startswith(("http://", "https://")):
        return
    patience = {name: os.environ.get(name) or usual for name, usual in PATIENCE.items()}
    with in_a_sentence(), environment(**patience), suppress(RestException):  # a refusal is an answer
        MlflowClient(uri).get_experiment_by_name(project().name)


def connect_once(uri: str) -> None:
    """Look whether a database can be had, which MLflow would try for minutes. Raises ServerError."""
    import sqlalchemy

    try:
        sqlalchemy.create_engine(uri).connect().close()
    except ModuleNotFoundError as error:
        raise ServerError(
            f"MLFLOW_TRACKING_URI names a database whose driver, the module {error.name}, is not installed. Add its "
            "package: uv add --group train PACKAGE; or name an MLflow server there."
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError) as error:  # ValueError: a port that is no number
        raise ServerError(explained(error)) from None


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Raise what MLflow raises as ServerError."""
    try:
        yield
    except Exception as error:
        mlflow = sys.modules.get("mlflow.exceptions")  # what has not been loaded has raised nothing
        if mlflow is None or not isinstance(error, mlflow.MlflowException):
            raise
        raise ServerError(explained(error)) from None


def explained(error: Exception) -> str:
    """MLflow's error in one sentence, without a password that the address may hold."""
    first: BaseException = error
    while first.__context__ is not None:
        first = first.__context__
    away = isinstance(first, OSError)
    reason = str(first if away else error).strip().partition("\n")[0].rstrip(".")
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return f"mlflow.db cannot be used: {reason}. See what is wrong: uv run poe doctor"
    does, todo = "answers with an error", "Look whether MLFLOW_TRACKING_URI and your access to it are right"
    if away:
        does, todo = "does not answer", "Start it, or look whether MLFLOW_TRACKING_URI is right"
    told = f"The MLflow server at {uri} {does}: {reason}. {todo}; then run the command again."
    return re.sub(r"//[^/@\s]*@", "//", told)


def if_known(ask: Callable[..., T], *names: str) -> T | None:
    """What MLflow answers; None where it says that there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return ask(*names)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        return None


def initialise() -> None:
    """Make mlflow.db, once, or let that of a project that was moved follow it.

    It is made in the system's temporary folder, where a kill may leave it, and linked into place, so that no process
    sees half of it. It does not wait for the disk: until it is in place there is nothing to lose.
    """
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return
    if database().exists():
        follow(database(), project().name)
        return
    import logging

    from mlflow import MlflowClient
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with tempfile.TemporaryDirectory(prefix="mlflow-") as folder:
        fresh = Path(folder) / "mlflow.db"
        event.listen(Engine, "connect", hurry)
        try:
            new = MlflowClient(f"sqlite:///{fresh.as_posix()}")
            new.create_experiment(project().name, artifact_location=(home() / ARTIFACTS).as_uri())
        finally:
            event.remove(Engine, "connect", hurry)
        put_in_place(fresh)


def put_in_place(fresh: Path) -> None:
    """Make a copy of a database the project's, unless another process has made one meanwhile."""
    copy = database().with_name(f"mlflow.db-{os.getpid()}")
    try:
        shutil.copyfile(fresh, copy)
        try:
            database().hardlink_to(copy)
        except FileExistsError:
            pass
        except OSError:  # a disk without links
            if not database().exists():
                copy.rename(database())
    finally:
        copy.unlink(missing_ok=True)


def experiment_id() -> str:
    """The project's experiment, made where it is missing.

    MLflow ties an experiment to the place of its files: a bucket's has a name of its own. A server decides by itself.
    """
    name, place = project().name, None
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        bucket = artifacts_url()
        name, place = (f"{name} in {bucket}", bucket) if bucket else (name, (home() / ARTIFACTS).as_uri())
    found = client().get_experiment_by_name(name)
    if found and found.lifecycle_stage == "deleted":
        raise ServerError(f"The experiment {name!r} was deleted in MLflow. Restore it: {restore(found.experiment_id)}")
    return found.experiment_id if found else client().create_experiment(name, artifact_location=place)


def restore(experiment: str) -> str:
    """The command that restores a deleted experiment, in the store that is in use."""
    where = "" if os.environ.get("MLFLOW_TRACKING_URI") else f"env MLFLOW_TRACKING_URI={shlex.quote(tracking_uri())} "
    return f"{where}uv run mlflow experiments restore --experiment-id {experiment}"


def artifacts_url() -> str:
    """Where cloud.yaml says that MLflow keeps model files; empty where there is no cloud, or nothing stands yet."""
    settings = read_file() if project().cloud != "none" else None
    return settings.artifacts_url if settings else ""


def log_training(parameters: dict[str, Any], rows: int) -> str:
    """Log one run of a training: parameters, data set, hashes, commit. Gives back the run's id."""
    from mlflow.entities import Dataset, DatasetInput, Param, RunTag

    data = data_md5()
    tags = dict(git_commit=git_commit(), data_md5=data, training_rows=str(rows))
    logged = client()
    run: str = logged.create_run(experiment_id(), run_name=f"train {tags['git_commit'][:7]}").info.run_id
    logged.log_batch(
        run,
        params=[Param(key, str(value)) for key, value in parameters.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    dataset = Dataset("train", data[:36], "dvc", json.dumps(dict(path="data/raw", md5=data)))
    logged.log_inputs(run, [DatasetInput(dataset, [])])
    logged.set_terminated(run)
    return run


def log_metrics(run: str, metrics: dict[str, float]) -> None:
    """Add metrics to a run, where this store has it (a stage that DVC took from its cache ran elsewhere)."""
    import time

    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    now = int(time.time() * 1000)
    try:
        client().log_batch(run, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()])
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
