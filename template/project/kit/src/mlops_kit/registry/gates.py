"""The gates of params.yaml: what a model has to pass before it is registered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.data import has_data
from mlops_kit.ground import check_settled, params, project
from mlops_kit.registry.errors import RegistryError
from mlops_kit.training import latency_ms


def gate() -> str:
    """Check the trained model against the gates. On generated rows there is nothing to be measured, and it says so."""
    if not has_data(load()):
        return "the data is not here: the gates are not checked on generated rows"
    check_gates(read_report())
    return "the model passes the gates"


def trained_md5() -> str:
    """The hash of model/, which must be what the pipeline made."""
    md5 = models.locked_md5("train", "model")
    if not md5 or not (project().root / "model").is_dir() or models.folder_md5(project().root / "model") != md5:
        raise RegistryError("model/ is not what the pipeline made. Run: uv run poe repro")
    return md5


def read_report() -> dict[str, Any]:
    """metrics.json, as the stage evaluate wrote it."""
    path = project().root / "metrics.json"
    if not path.exists():
        raise RegistryError("There is no metrics.json. Run: uv run poe repro")
    check_settled()
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def check_gates(report: dict[str, Any]) -> None:
    """Raise RegistryError where the model is below a gate of params.yaml."""
    check_gain(report)
    check_latency()


@contextmanager
def checking_gates(report: dict[str, Any]) -> Iterator[None]:
    """`check_gates` in the background, since loading the model takes as long as loading MLflow.

    A child process measures the latency, unless MLflow is loaded already. Raises RegistryError as `check_gates` does.
    """
    check_gain(report)
    if "mlflow" in sys.modules:
        check_latency()
        yield
        return
    command = [sys.executable, "-m", "mlops_kit.registry", "latency"]
    with subprocess.Popen(
        command, cwd=project().root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield
        said = process.communicate()[1].strip()
    if process.returncode:
        raise RegistryError(said or "The model could not be loaded to measure its latency. Try it: uv run poe gate")
    if said:
        print(said, file=sys.stderr)


def check_gain(report: dict[str, Any]) -> None:
    """Raise RegistryError where the model is not better than the baseline by what params.yaml asks for."""
    gates, primary = params()["gates"], params()["evaluate"]["primary"]
    gain = report["metrics"][primary] - report["baseline"][primary]
    if not gain >= gates["better_than_baseline_by"]:
        need = gates["better_than_baseline_by"]
        raise RegistryError(
            f"Not registered: {primary} is {gain:+.4f} against the baseline, the gate asks for {need:+} "
            "(gates.better_than_baseline_by in params.yaml)."
        )


def check_latency() -> str:
    """Raise RegistryError where the model in model/ takes longer for a row than params.yaml allows, else say so."""
    contract, folder = load(), project().root / "model"
    models.check_signature(folder, contract)
    allowed = params()["gates"]["latency_ms"]
    took = latency_ms(models.load_model(folder), contract.coerce(contract.sample(50)), enough=allowed)
    if took > allowed:
        told = f"{allowed} ms (gates.latency_ms in params.yaml)"
        raise RegistryError(f"Not registered: one row takes {took:.0f} ms, the gate allows {told}.")
    return f"one row takes {took:.0f} ms"
