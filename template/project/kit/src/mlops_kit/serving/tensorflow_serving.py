"""The champion behind TensorFlow Serving, and beside it the challenger: https://www.tensorflow.org/tfx/serving

    uv run poe serve            http://127.0.0.1:8501/v1/models/NAME:predict, gRPC on 8500
    uv run poe serving-folder   only write what it serves

What is served is in build/serving/: a SavedModel for each version, and models.config, which names the versions and
gives them the labels champion and challenger. It is followed while it runs: what is promoted, rolled back or retired
is served, or served no more, within RELOAD_SECONDS. Where the MLflow server of MLFLOW_TRACKING_URI does not answer,
what is served stays; at the start that is the champion of champion.yaml, and the log says so.

    PORT, GRPC_PORT    where it listens, the first as --port too: on every address, TensorFlow Serving has no
                       option for that
    MODEL_DIR          a model folder to serve instead of the registry's
    MODEL_SERVER       the program: tensorflow_model_server by default. Where it is not installed, its image is run by
                       CONTAINER_ENGINE (docker by default)
    BATCHING           1 to answer requests of several callers together (deploy/tensorflow-serving/batching.config).
                       Then one caller's bad row refuses the others' rows too, so it is off by default.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.ground import KitError, command, project
from mlops_kit.serving import mlflow_server
from mlops_kit.serving.follow import check_hash, check_not_retired, reload_seconds
from mlops_kit.serving.listen import add_address, check_free

IMAGE = "docker.io/tensorflow/serving:2.19.1"
MOUNTED = "/serving"  # where build/serving is in a container
SAVED = "saved_model"


def settings() -> Path:
    """The program's own settings."""
    return project().root / "deploy/tensorflow-serving"


def folder() -> Path:
    """What is served."""
    return project().root / "build/serving"


class ServingError(KitError):
    """What keeps it from starting: one sentence, and what to do next."""


@dataclass(frozen=True)
class Version:
    """A version that is served: its number, its label, and its model folder, verified."""

    number: int
    label: str
    folder: Path


def versions(contract: Contract) -> list[Version]:
    """The champion, and the challenger where there is one. Raises ChampionError, Unreachable for a server's silence."""
    if given := os.environ.get("MODEL_DIR"):
        check_not_retired(Path(given))
        check_hash(Path(given))
        return [checked(Version(1, "champion", Path(given)), contract)]
    if mlflow_server.address():
        mlflow_server.champion()  # it says within seconds that there is none, MLflow's own client tries for minutes
    if os.environ.get("MLFLOW_TRACKING_URI"):
        number, folder = models.from_registry("champion")
        champion = checked(Version(int(number), "champion", folder), contract)
    else:
        champion = local_champion(contract)
    try:
        number, folder = models.from_registry("challenger")
        return [champion, checked(Version(int(number), "challenger", folder), contract)]
    except models.ChampionError:
        return [champion]


def local_champion(contract: Contract) -> Version:
    """The champion of champion.yaml. Raises ChampionError."""
    folder = models.local_champion_folder()
    described = models.read_champion()
    assert described is not None  # it has a folder
    return checked(Version(described.version, "champion", folder), contract)


def checked(version: Version, contract: Contract) -> Version:
    """The version, if its folder has a SavedModel for the contract's columns. Raises ChampionError."""
    if not (version.folder / SAVED / "saved_model.pb").is_file():
        raise models.ChampionError(f"{version.folder} holds no model that TensorFlow Serving can run.")
    models.check_signature(version.folder, contract)
    return version


def write(found: list[Version]) -> None:
    """Lay the versions out, each whole or not at all, then name them; what is no longer named is removed last."""
    places = folder() / "models"
    places.mkdir(parents=True, exist_ok=True)
    for version in found:
        source, target, fresh = version.folder / SAVED, places / str(version.number), places / f".{version.number}"
        if target.is_dir() and models.folder_md5(target) == models.folder_md5(source):
            continue
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    for name, place in (("models.config", MOUNTED), ("local.config", folder().as_posix())):
        replace(folder() / name, config(found, f"{place}/models"))
    for other in places.iterdir():
        if other.name not in {str(version.number) for version in found}:
            shutil.rmtree(other)


def replace(file: Path, text: str) -> None:
    """Write a file, whole or not at all, where its text is another."""
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def config(found: list[Version], models: str) -> str:
    """ModelServerConfig, in the text format of protocol buffers; an empty list where nothing is to be served."""
    if not found:
        return "# Nothing is served: there is no champion.\nmodel_config_list {\n}\n"
    numbers = [f"        versions: {version.number}" for version in found]
    labels = ['    version_labels { key: "' + f'{version.label}" value: {version.number}' + " }" for version in found]
    lines = [
        "# Written by `poe serve` and `poe serving-folder` from the registry: the versions, and their labels.",
        *("model_config_list {", "  config {"),
        f'    name: "{project().name}"',
        f'    base_path: "{models}"',
        '    model_platform: "tensorflow"',
        *("    model_version_policy {", "      specific {", *numbers, "      }", "    }"),
        *labels,
        *("  }", "}"),
    ]
    return "\n".join(lines) + "\n"


class Follower:
    """Writes what is to be served, time after time."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.served: list[Version] = []
        self.heard = False  # whether the registry has answered since the start

    def look(self) -> str:
        """Take the registry as it is now; gives back what is served, or why nothing is.

        Whatever goes wrong, what is served stays. A champion that was withdrawn has not gone wrong: it goes.
        """
        try:
            return self._look()
        except models.ModelError as error:
            return self._stay(str(error))
        except Exception as error:  # such as a full disk: that is no reason to stop what answers
            return self._stay(f"What is to be served cannot be had: {type(error).__name__}: {error}.")

    def _look(self) -> str:
        try:
            found = versions(self.contract)
        except (mlflow_server.Unreachable, models.ServerError) as error:
            return self._stay(str(error)) if self.heard else self._fall_back(str(error))
        except models.WithdrawnError as error:
            self.heard = True
            return self._take([], str(error))
        self.heard = True
        return self._take(found)

    def _fall_back(self, why: str) -> str:
        """The server does not answer: the champion of champion.yaml."""
        try:
            found = [local_champion(self.contract)]
        except models.ModelError as error:
            return self._take([], f"{why} And the champion of champion.yaml cannot be had: {error}")
        return f"{self._take(found)}: the champion of champion.yaml, for {why}"

    def _stay(self, why: str) -> str:
        return f"{why} What is served stays." if self.served else self._take([], why)

    def _take(self, found: list[Version], why: str = "") -> str:
        write(found)
        self.served = found
        named = ", ".join(f"version {version.number} as {version.label}" for version in found)
        return f"served: {named}" if found else f"nothing is served: {why}"


# --- the server ------------------------------------------------------------------------------------------------------


def server_command() -> list[str]:
    """How it is started. Raises ServingError where there is neither the program nor a container engine."""
    port, grpc = os.environ.get("PORT", "8501"), os.environ.get("GRPC_PORT", "8500")
    program = shlex.split(os.environ.get("MODEL_SERVER") or "tensorflow_model_server")
    if shutil.which(program[0]):
        return [*program, *flags(port, grpc, folder() / "local.config", settings())]
    engine = os.environ.get("CONTAINER_ENGINE", "docker")
    if not shutil.which(engine):
        raise ServingError(
            f"Neither {program[0]} nor {engine} is installed. Install TensorFlow Serving "
            "(https://www.tensorflow.org/tfx/serving/setup), or name docker or podman in CONTAINER_ENGINE."
        )
    options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["--user", "10001:10001", "--entrypoint", "tensorflow_model_server"]
    options += [word for one in (port, grpc) for word in ("--publish", f"127.0.0.1:{one}:{one}")]
    options += ["--volume", f"{folder()}:{MOUNTED}:ro", "--volume", f"{settings()}:/settings:ro"]
    inside = flags(port, grpc, Path(MOUNTED, "models.config"), Path("/settings"))
    return [engine, "run", "--rm", "--init", *options, IMAGE, *inside]


def flags(port: str, grpc: str, models: Path, settings: Path) -> list[str]:
    """The program's options."""
    chosen = [f"--rest_api_port={port}", f"--port={grpc}", f"--model_config_file={models.as_posix()}"]
    chosen += ["--model_config_file_poll_wait_seconds=2", "--allow_version_labels_for_unavailable_models=true"]
    chosen += [f"--monitoring_config_file={(settings / 'monitoring.config').as_posix()}"]
    if os.environ.get("BATCHING") == "1":
        chosen += ["--enable_batching=true", f"--batching_parameters_file={(settings / 'batching.config').as_posix()}"]
    return chosen


def serve() -> int:
    """Serve until it is stopped, and follow the registry meanwhile. Gives back the server's exit code."""
    seconds, follower = reload_seconds() or None, Follower(load())
    told = follower.look()
    print(told, file=sys.stderr, flush=True)
    server = subprocess.Popen(server_command(), cwd=project().root)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: server.send_signal(number))
    try:
        while True:
            try:
                return max(server.wait(seconds), 0)  # ended by the signal that we passed on: as it should
            except subprocess.TimeoutExpired:
                before, told = told, follower.look()
                if told != before:
                    print(told, file=sys.stderr, flush=True)
    finally:
        server.terminate()  # where it still runs: nobody would look after it


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe serve", description="Serve the champion by TensorFlow Serving.")
    parser.add_argument("--folder", action="store_true", help="only write build/serving/")
    add_address(parser, host=False)
    chosen = parser.parse_args()
    if chosen.folder:
        print(Follower(load()).look())
    else:
        os.environ["PORT"] = str(chosen.port)
        check_free("127.0.0.1", chosen.port)
        check_free("127.0.0.1", int(os.environ.get("GRPC_PORT") or 8500), "GRPC_PORT={free} uv run poe serve")
        sys.exit(serve())


if __name__ == "__main__":
    main()
