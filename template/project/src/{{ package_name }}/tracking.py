"""Runs, model files and the champion: where they are kept, and how they are read safely.

MLflow keeps its records in mlflow.db at the project's root, or on the server that MLFLOW_TRACKING_URI names.
champion.yaml, in git, points at the champion: with DVC it is enough to get the model anywhere, without a server.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from . import ROOT

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from .contract import Contract

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # MLflow's words for no such model, no such alias
DATABASES = ("postgresql", "mysql", "mssql")  # that MLflow can use without a server of its own
# How long a server is given for the first answer, where nothing else is set: MLflow itself tries for minutes.
PATIENCE = dict(MLFLOW_HTTP_REQUEST_MAX_RETRIES="2", MLFLOW_HTTP_REQUEST_TIMEOUT="10")
NAME = "{{ project_name }}"  # of the experiment and of the registered model
CHAMPION_FILE = ROOT / "champion.yaml"


class ChampionError(Exception):
    """There is no champion, or it cannot be had: one sentence."""


class ServerError(ChampionError):
    """MLflow does not answer, or not as it should: one sentence with what to do next."""


class WithdrawnError(ChampionError):
    """Nothing is to be served any more: the champion is retired, or the registry has none."""


@dataclass(frozen=True)
class Champion:
    """What champion.yaml says. Hashes are DVC's (md5) and the one of the predictions on the test part (sha256)."""

    version: int
    model: str
    data: str
    commit: str
    prediction_sha256: str
    metrics: dict[str, float]
    retired: str = ""  # why it must not be served any more


# --- MLflow ----------------------------------------------------------------------------------------------------------


def home() -> Path:
    """The folder of mlflow.db: the project's root, also for a DVC experiment that runs in a copy under .dvc/tmp."""
    return next((folder.parent for folder in ROOT.parents if folder.name == ".dvc"), ROOT)


def tracking_uri() -> str:
    """The server that MLFLOW_TRACKING_URI names, else the project's own file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home() / 'mlflow.db').as_posix()}"


@contextmanager
def as_default() -> Iterator[None]:
    """Our address where MLflow looks by itself: its own one makes a folder `a%20b` beside a folder `a b`."""
    with environment(MLFLOW_TRACKING_URI=tracking_uri()):
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
    return MlflowClient(tracking_uri())


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
        MlflowClient(uri).get_experiment_by_name(NAME)


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
        raise ServerError(_explained(error)) from None


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Raise what MLflow raises as ServerError."""
    try:
        yield
    except Exception as error:
        mlflow = sys.modules.get("mlflow.exceptions")  # what has not been loaded has raised nothing
        if mlflow is None or not isinstance(error, mlflow.MlflowException):
            raise
        raise ServerError(_explained(error)) from None


def _explained(error: Exception) -> str:
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


def if_known(ask: Callable[..., Any], *names: str) -> Any:
    """What MLflow answers; None where it says that there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return ask(*names)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        return None


def initialise() -> None:
    """Make mlflow.db, once: written under another name and linked into place, so that nobody sees half of it.

    The new file is written without waiting for the disk: until it is in place there is nothing to lose.
    """
    database = home() / "mlflow.db"
    if os.environ.get("MLFLOW_TRACKING_URI") or database.exists():
        return
    import logging

    from mlflow import MlflowClient
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with tempfile.TemporaryDirectory(prefix=".mlflow-", dir=home()) as folder:
        fresh = Path(folder) / "mlflow.db"
        event.listen(Engine, "connect", hurry)
        try:
            new = MlflowClient(f"sqlite:///{fresh.as_posix()}")
            new.create_experiment(NAME, artifact_location=(home() / "mlartifacts").as_uri())
        finally:
            event.remove(Engine, "connect", hurry)
        if not database.exists():
            fresh.rename(database)


def experiment_id() -> str:
    """The project's experiment, made where it is missing."""
{% if cloud == 'none' %}
    name, place = NAME, None
{% else %}
    # MLflow ties an experiment to the place of its files: a bucket's has a name of its own. A server decides by itself.
    from .cloud.settings import artifacts_url

    place = None if os.environ.get("MLFLOW_TRACKING_URI") else artifacts_url() or None
    name = f"{NAME} in {place}" if place else NAME
{% endif %}
    found = client().get_experiment_by_name(name)
    return found.experiment_id if found else client().create_experiment(name, artifact_location=place)


def log_training(parameters: dict[str, Any], rows: int) -> str:
    """Log one run of a training: parameters, data set, hashes, commit. Gives back the run's id."""
    from mlflow.entities import Dataset, DatasetInput, Param, RunTag

    data = data_md5()
    tags = dict(git_commit=git_commit(), data_md5=data, training_rows=str(rows))
    logged = client()
    run = logged.create_run(experiment_id(), run_name=f"train {tags['git_commit'][:7]}").info.run_id
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


# --- model files -----------------------------------------------------------------------------------------------------


{% include "template/parts/flavor/" ~ ("keras" if framework == "tensorflow" else "skops") ~ ".py" %}


def prediction_hash(model: Any, rows: pd.DataFrame) -> str:
    """sha256 of the predictions on some rows: equal models answer equally, whatever their files' bytes."""
    import numpy as np

    answers = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    return hashlib.sha256((np.round(np.asarray(answers, dtype="float64"), 6) + 0.0).tobytes()).hexdigest()


def folder_md5(folder: Path) -> str:
    """DVC's hash of a folder: of the sorted list of its files' hashes."""
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.relative_to(folder).parts
    )
    listed = [dict(md5=_md5(path.read_bytes()), relpath=path.relative_to(folder).as_posix()) for path in files]
    return _md5(json.dumps(listed, sort_keys=True).encode()) + ".dir"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def locked_md5(stage: str, path: str) -> str:
    """The hash that dvc.lock has for a stage's output; empty where there is none."""
    lock = ROOT / "dvc.lock"
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"] if lock.exists() else {}
    outs = stages.get(stage, {}).get("outs", [])
    return next((out["md5"] for out in outs if out["path"] == path), "")


def changed_since_run() -> list[str]:
    """The files that changed since the pipeline ran, as DVC sees it; none where the data is not here to be compared."""
    from dvc.repo import Repo

    from .contract import load

    if not (ROOT / load().source.path).exists():
        return []
    found: dict[str, None] = {}  # in the stages' order, each once
    for changes in Repo(str(ROOT)).status().values():
        for change in changes:
            found |= dict.fromkeys(change.get("changed deps", []) if isinstance(change, dict) else ["dvc.yaml"])
    return list(found)


def data_md5() -> str:
    """The hash of the raw data: DVC's, or of the file itself where git keeps it; empty for generated rows."""
    tracked = ROOT / "data/raw.dvc"
    if tracked.exists():
        return str(yaml.safe_load(tracked.read_text(encoding="utf-8"))["outs"][0]["md5"])
    raw = ROOT / "data/raw"
    return folder_md5(raw) if raw.exists() else ""


def git_commit() -> str:
    """The commit that is checked out; empty outside git, and where there is no git (an image)."""
    if not shutil.which("git"):
        return ""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def is_committed(path: str) -> bool:
    """Whether a file is as it was committed last; also where git knows nothing of it."""
    if not shutil.which("git"):
        return True
    return not subprocess.run(["git", "status", "--porcelain", path], cwd=ROOT, capture_output=True).stdout


# --- the champion ----------------------------------------------------------------------------------------------------


def read_champion() -> Champion | None:
    """What champion.yaml says; None where there is none yet."""
    if not CHAMPION_FILE.exists():
        return None
    return Champion(**yaml.safe_load(CHAMPION_FILE.read_text(encoding="utf-8")))


def write_champion(champion: Champion) -> None:
    """Point champion.yaml at a champion."""
    head = "# The champion: the model that is served. Written by `poe promote` and `poe rollback`; commit it.\n"
    told = {key: value for key, value in asdict(champion).items() if key != "retired" or value}
    text = head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    fresh = CHAMPION_FILE.with_suffix(".yaml.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(CHAMPION_FILE)


def champion_folder() -> Path:
    """A folder with the champion's model, verified by its hash. Raises ChampionError where it cannot be had."""
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return from_registry("champion")[1]
    return local_champion_folder()


def local_champion_folder() -> Path:
    """The same for the champion of champion.yaml, without a server."""
    champion = read_champion()
    if champion is None:
        raise ChampionError("There is no champion yet: uv run poe repro, then register, then promote.")
    if champion.retired:
        raise WithdrawnError(f"The champion, version {champion.version}, is retired: {champion.retired}")
    for folder in (ROOT / "model", ROOT / ".champion" / champion.model):
        if folder.is_dir() and folder_md5(folder) == champion.model:
            return folder
    reproduced = _reproduced(champion)
    return reproduced if reproduced.is_dir() else _from_dvc(champion)


def from_registry(alias: str) -> tuple[str, Path]:
    """The version that has an alias: its number, and a folder with its files, verified. Raises ChampionError."""
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(tracking_uri())
    try:
        version = client().get_model_version_by_alias(NAME, alias)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise ServerError(_explained(error)) from None
        raise WithdrawnError(f"MLflow's registry gives no {alias}: {error.message.splitlines()[0]}") from None
    folder = ROOT / ".champion" / f"server-{version.version}"
    try:
        if not (folder / "MLmodel").exists():
            mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{NAME}/{version.version}", dst_path=str(folder))
            # MLflow notes in the folder where it is from, which is no part of the model.
            (folder / "registered_model_meta").unlink(missing_ok=True)
    except MlflowException as error:
        raise ChampionError(f"MLflow gives no files of the {alias}: {error.message.splitlines()[0]}") from None
    if folder_md5(folder) != version.tags.get("model_md5"):
        shutil.rmtree(folder)
        raise ChampionError(f"Version {version.version} in MLflow's registry is not what was registered.")
    return str(version.version), folder


def _from_dvc(champion: Champion) -> Path:
    """The champion from DVC's cache or remote."""
    folder = ROOT / ".champion" / champion.model
    if not (of_run(champion, "model", folder) and folder_md5(folder) == champion.model):
        shutil.rmtree(folder, ignore_errors=True)
        if not _commits(champion):
            told = f"The champion, version {champion.version}, was promoted and its dvc.lock never committed."
            raise ChampionError(f"{told} Go back to the one before: uv run poe rollback")
        raise ChampionError(f"Neither DVC's cache nor a remote has the champion, version {champion.version}.")
    return folder


def of_run(champion: Champion, path: str, folder: Path) -> bool:
    """Whether DVC's cache or remote gave into `folder` what the champion's run had at `path`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    remote = _said(sys.executable, "-m", "dvc", "config", "core.remote").strip()
    command = [sys.executable, "-m", "dvc", "get", "--quiet", "--rev", (_commits(champion) or [champion.commit])[0]]
    command += [*(["--remote", remote] if remote else []), ".", path, "--out", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).returncode == 0


def _commits(champion: Champion) -> list[str]:
    """The commits that brought its model into dvc.lock: it may have been registered before, and before a remote."""
    return _said("git", "log", "--reverse", "--format=%H", f"-S{champion.model}", "--", "dvc.lock").split()


def _said(*command: str) -> str:
    """What a program prints, in the project's root; nothing where it fails."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def reproduced_champion(champion: Champion) -> Path:
    """model/ as just reproduced, where it predicts as the champion did. Raises ChampionError otherwise."""
    report = json.loads((ROOT / "metrics.json").read_text(encoding="utf-8"))
    if report["prediction_sha256"] != champion.prediction_sha256:
        raise ChampionError("The reproduced model does not predict as the champion did: see uv run dvc metrics diff")
    folder = _reproduced(champion)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "model", folder)
    return folder


def _reproduced(champion: Champion) -> Path:
    """Where a reproduced champion is kept: other bytes than the original's, the same predictions."""
    return ROOT / ".champion" / f"{champion.model}-reproduced"


def main() -> None:
    """Make the database where it is missing."""
    parser = argparse.ArgumentParser(prog="tracking", description="Where runs and models are kept.")
    parser.add_argument("command", choices=["initialise"], help="make mlflow.db where it is missing")
    parser.parse_args()
    initialise()


if __name__ == "__main__":
    main()
