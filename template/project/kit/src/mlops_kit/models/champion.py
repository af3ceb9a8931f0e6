"""The champion: the model that is served. champion.yaml, in git, points at it.

With DVC that is enough to get the model anywhere, without a server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from mlops_kit.ground import is_shallow, output_of, project, run
from mlops_kit.models.errors import ChampionError, ServerError, UnseenError, WithdrawnError
from mlops_kit.models.hashes import folder_md5
from mlops_kit.models.runs import ABSENT, as_default, client, explained

LARGEST_FILE = 50_000  # bytes of champion.yaml that are read: YAML's numbers of base 60 take time by their square
A_NAME = re.compile(r"\w[\w. ]*", re.ASCII)  # of one folder, and no option
REPRODUCED = "-reproduced-"  # in the name of a folder, between the two hashes
KINDS: dict[str, type] = dict(version=int, metrics=dict)
RESTORE = "Take it from git: git checkout HEAD -- champion.yaml; or promote a model again: uv run poe promote"


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


def champion_file() -> Path:
    """Where champion.yaml is."""
    return project().root / "champion.yaml"


def read_champion() -> Champion | None:
    """What champion.yaml says; None where there is none yet. Raises ChampionError where it cannot be read."""
    if not champion_file().exists():
        return None
    try:
        with champion_file().open("rb") as file:
            text = file.read(LARGEST_FILE).decode("utf-8")
        return _champion(yaml.safe_load(text))
    except (OSError, ValueError, OverflowError, RecursionError, yaml.YAMLError) as error:
        wrong = (
            "has conflict markers" if isinstance(error, yaml.YAMLError) and "<<<<<<<" in text else _first_line(error)
        )
        raise ChampionError(f"champion.yaml cannot be read: it {wrong}.", RESTORE) from None


def _champion(told: Any) -> Champion:
    """A champion of the file's content, whose names become folders and arguments. Raises ValueError."""
    if not isinstance(told, dict):
        raise ValueError("is empty" if told is None else "is not a mapping")
    for each in fields(Champion):
        value = told.get(each.name)
        if each.name not in told and each.name != "retired":
            raise ValueError(f"has no key {each.name!r}")
        kind = KINDS.get(each.name, str)
        if each.name in told and (not isinstance(value, kind) or isinstance(value, bool) or _is_endless(value)):
            raise ValueError(f"has an unexpected value of {each.name!r}")
    if unknown := [key for key in told if key not in {each.name for each in fields(Champion)}]:
        raise ValueError(f"has an unknown key {str(unknown[0])[:100]!r}")
    if not A_NAME.fullmatch(told["model"]):
        raise ValueError("names a model by something that is not a hash")
    if told["commit"] and not A_NAME.fullmatch(told["commit"]):
        raise ValueError("names a commit by something that is not a hash")
    if not all(isinstance(number, int | float) and not _is_endless(number) for number in told["metrics"].values()):
        raise ValueError("has metrics that are not numbers")
    return Champion(**told)


def _is_endless(value: object) -> bool:
    """Whether a number has more digits than Python prints, say."""
    return isinstance(value, int) and value.bit_length() > 64


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] if type(error) is ValueError else f"is not valid YAML ({type(error).__name__})"


def write_champion(champion: Champion) -> None:
    """Point champion.yaml at a champion."""
    head = "# The champion: the model that is served. Written by `poe promote` and `poe rollback`; commit it.\n"
    told = {key: value for key, value in asdict(champion).items() if key != "retired" or value}
    text = head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    fresh = champion_file().with_suffix(".yaml.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(champion_file())


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
    for folder in (project().root / "model", project().root / ".champion" / champion.model):
        if folder.is_dir() and folder_md5(folder) == champion.model:
            return folder
    return reproduction_of(champion) or _from_dvc(champion)


def from_registry(alias: str) -> tuple[str, Path]:
    """The version that has an alias: its number, and a folder with its files, verified. Raises ChampionError."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        version = client().get_model_version_by_alias(project().name, alias)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise ServerError(explained(error)) from None
        reason = error.message.splitlines()[0]
        next_step = " Register a model: uv run poe register" if alias == "challenger" else ""
        raise WithdrawnError(f"MLflow's registry gives no {alias}: {reason}{next_step}") from None
    if not str(version.version).isdecimal():
        raise ServerError(f"MLflow's registry names a version {str(version.version)[:100]!r}, which is not a number.")
    folder = project().root / ".champion" / f"server-{version.version}"
    try:
        if not (folder / "MLmodel").exists():
            with as_default():
                mlflow.artifacts.download_artifacts(
                    artifact_uri=f"models:/{project().name}/{version.version}", dst_path=str(folder)
                )
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
    folder = project().root / ".champion" / champion.model
    if not is_visible(champion):
        raise UnseenError(
            f"This clone is shallow, and its history ends after the commit of the champion, version "
            f"{champion.version}. Fetch the rest: git fetch --unshallow"
        )
    if not (of_run(champion, "model", folder) and folder_md5(folder) == champion.model):
        shutil.rmtree(folder, ignore_errors=True)
        if not _commits(champion):
            told = f"The champion, version {champion.version}, was promoted and its dvc.lock never committed."
            raise ChampionError(f"{told} Go back to the one before: uv run poe rollback")
        raise ChampionError(f"Neither DVC's cache nor a remote has the champion, version {champion.version}.")
    return folder


def is_visible(champion: Champion) -> bool:
    """Whether this clone's history reaches back to the champion's dvc.lock, as far as git can say."""
    return not is_shallow() or bool(_commits(champion))


def of_run(champion: Champion, path: str, folder: Path) -> bool:
    """Whether DVC's cache or remote gave into `folder` what the champion's run had at `path`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    remote = output_of(sys.executable, "-m", "dvc", "config", "core.remote").strip()
    command = [sys.executable, "-m", "dvc", "get", "--quiet", "--rev", (_commits(champion) or [champion.commit])[0]]
    command += [*(["--remote", remote] if remote else []), ".", path, "--out", str(folder)]
    return run(*command, quiet=True, check=False).returncode == 0


def locked_by(champion: Champion, stage: str, path: str) -> str:
    """The hash that a stage's output had when the champion was made; empty where its dvc.lock is not to be had."""
    for commit in (_commits(champion) or [champion.commit])[:1]:
        lock = yaml.safe_load(output_of("git", "show", f"{commit}:./dvc.lock") or "{}")
        outs = lock.get("stages", {}).get(stage, {}).get("outs", [])
        return next((str(out["md5"]) for out in outs if out["path"] == path), "")
    return ""


def _commits(champion: Champion) -> list[str]:
    """The commits that brought its model into dvc.lock: it may have been registered before, and before a remote."""
    return output_of("git", "log", "--reverse", "--format=%H", f"-S{champion.model}", "--", "dvc.lock").split()


def reproduced_champion(champion: Champion) -> Path:
    """model/ as just reproduced, where it predicts as the champion did. Raises ChampionError otherwise."""
    report = json.loads((project().root / "metrics.json").read_text(encoding="utf-8"))
    if report["prediction_sha256"] != champion.prediction_sha256:
        raise ChampionError(
            "The reproduced model does not predict as the champion did.",
            "See how the metrics differ: uv run dvc metrics diff. If only in the last digits, the champion was "
            "probably trained on another kind of processor, where TensorFlow rounds differently: whoever trained it "
            "can share the model itself with uv run dvc push",
        )
    model = project().root / "model"
    folder = project().root / ".champion" / f"{champion.model}{REPRODUCED}{folder_md5(model)}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    return folder


def reproduction_of(champion: Champion) -> Path | None:
    """A reproduced champion: other bytes than the original's, by the hash in its name; the same predictions."""
    for folder in (project().root / ".champion").glob(f"{champion.model}{REPRODUCED}*"):
        if folder_md5(folder) == folder.name.partition(REPRODUCED)[2]:
            return folder
    return None
